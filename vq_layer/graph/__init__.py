"""The functions for graphs, of 2018: they create what parts declare, and assign what these return."""
