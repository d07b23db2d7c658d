"""What Sphinx builds from the files of the project: the pages of clauses, laws and measurements."""
