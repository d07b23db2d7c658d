"""The files that the demonstration writes, and the messages that it does not let through."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from matplotlib.figure import Figure

from examples.demo.errors import DemoError


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what the system says against writing a file into a `DemoError`."""
    try:
        yield
    except OSError as error:
        raise DemoError(f"cannot write {path}: {error.strerror or error}") from error


def check_writable(path: Path) -> None:
    """Make the folder of a file if there is none, and see that the file can be written; keep what it holds.

    Raises
    ------
    DemoError
        If it cannot: better now than after the work.
    """
    with writing(path):
        if not path.parent.exists():
            path.parent.mkdir(parents=True)
        with path.open("ab") as file:
            empty = file.tell() == 0
        if empty:
            path.unlink()


def save(figure: Figure, path: Path) -> None:
    """Write a figure in the format that the file's name ends in."""
    with writing(path):
        figure.savefig(path)


@contextmanager
def native_messages_hidden() -> Iterator[None]:
    """Hide what compiled code writes to standard error, unless an exception comes of it.

    TensorFlow reports a missing GPU driver there on import, before any of its settings can silence it.
    """
    with tempfile.TemporaryFile() as hidden:
        standard_error = os.dup(2)
        os.dup2(hidden.fileno(), 2)
        try:
            yield
        except BaseException:
            hidden.seek(0)
            os.write(standard_error, hidden.read())
            raise
        finally:
            os.dup2(standard_error, 2)
            os.close(standard_error)
