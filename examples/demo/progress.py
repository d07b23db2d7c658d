"""One progress bar over all epochs of `fit`."""

from typing import Any

import keras
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn


def progress_bar() -> Progress:
    """Return a bar that shows itself on standard error while it is entered; on a terminal only."""
    console = Console(stderr=True)
    console.quiet = not console.is_terminal  # rich 13 ends a disabled bar, too, with an empty line
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[state]}"),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
    )


class FitProgress(keras.callbacks.Callback):
    """Advance a bar with every batch of `fit`.

    Parameters
    ----------
    progress : rich.progress.Progress
        The bar, entered by the caller, so that an interruption restores the terminal.
    description : str
        What stands before the bar.
    """

    def __init__(self, progress: Progress, description: str) -> None:
        super().__init__()
        self.progress = progress
        self.task = progress.add_task(description, total=None, state="")
        self.epoch = 0

    def on_train_begin(self, logs: Any = None) -> None:
        """Learn how many batches there will be."""
        del logs
        self.progress.update(self.task, total=self.params["epochs"] * self.params["steps"])

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Remember the epoch, which the bar shows."""
        del logs
        self.epoch = epoch + 1

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Advance by one batch."""
        del batch
        state = f"epoch {self.epoch}/{self.params['epochs']}  loss {logs['loss']:.3f}"
        self.progress.update(self.task, advance=1, state=state)
