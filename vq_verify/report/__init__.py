"""The report of a verification: what a check measures, how it fails, and a row for each clause."""
