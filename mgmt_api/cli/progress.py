"""A bar for long work, on a terminal alone."""

import sys
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn


class Steps:
    """Draws steps such as `{"sent": 100, "size": 4000}`: `done` and `of` name the two counts."""

    def __init__(self, title: str, done: str, of: str, shown: bool = True) -> None:
        self._done, self._of = done, of
        columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:3.0f}%")
        console = Console(stderr=True)
        hidden = not (shown and sys.stderr.isatty())
        self._bar = Progress(*columns, TimeRemainingColumn(), console=console, transient=True, disable=hidden)
        self._task = self._bar.add_task(title, total=None)

    def __enter__(self) -> "Steps":
        self._bar.start()
        return self

    def take(self, step: dict[str, Any]) -> None:
        """A step."""
        if self._done in step:
            self._bar.update(self._task, completed=step[self._done], total=step[self._of])

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()
