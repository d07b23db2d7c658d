"""What Sphinx makes of the files of the project, and what it checks of the site."""
