"""What can stop the demonstration."""


class DemoError(Exception):
    """A condition outside the program that the user can mend; its message is one line."""
