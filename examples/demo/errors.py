"""What can stop the demonstration."""

from collections.abc import Iterator
from contextlib import contextmanager


class DemoError(Exception):
    """A condition outside the program that the user can mend; its message is one line."""


@contextmanager
def loading(name: str, *causes: type[Exception]) -> Iterator[None]:
    """Turn what scikit-learn raises when it cannot load its data of some name into a `DemoError`."""
    try:
        yield
    except causes as error:
        reason = " ".join(str(error).split())
        raise DemoError(f"cannot load {name} from scikit-learn: {reason}") from error
