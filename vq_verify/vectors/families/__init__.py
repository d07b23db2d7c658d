"""The fixed cases themselves, a module a family of clauses: small numbers, of which most can be followed by hand."""
