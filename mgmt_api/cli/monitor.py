"""`menjin device monitor`: what the devices say, live on a terminal.

Without a running gateway it runs the drivers itself; beside one it follows the journal, since ports cannot be shared:
that has the bits of unknown cards alone.
"""

import queue
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.live import Live

from config.secret import BadSecret, read_key
from config.settings import Settings
from controllers.driver import DeviceEvent
from controllers.errors import BadSetup
from gateway.drivers import drivers_of, readers_of
from gateway.running import is_running
from gateway.supervisor import Supervisor
from mgmt_api.cli.monitor_board import Board, News, follow, news_of
from mgmt_api.cli.output import DEFAULT_CONFIG, ConfigOption, Exit, JsonOption, answer, say, settings_of, stop

app = typer.Typer(no_args_is_help=True)
TURN_S = 0.2
STOP_S = 1.5


@app.callback()
def _device() -> None:
    """Readers, boards and terminals."""


@app.command("monitor", help="Live reads and states of all devices / 实时查看设备")
def monitor(
    config: ConfigOption = DEFAULT_CONFIG,
    raw: Annotated[bool, typer.Option("--raw", help="Whole bits and texts / 显示完整卡号")] = False,
    seconds: Annotated[float, typer.Option(min=0, help="End after this time; 0: at Ctrl-C / 运行秒数")] = 0,
    json: JsonOption = False,
) -> None:
    """Show what the devices say. Bits are masked in the middle; PINs and ID cards are never shown."""
    settings = settings_of(config)
    folder = settings.data_dir / "gateway"
    source = _beside(folder, raw) if is_running(folder) else _direct(settings, raw)
    board = Board({reader.name: reader.kind for reader in readers_of(settings)})
    end_s = time.monotonic() + seconds if seconds else float("inf")
    try:
        _show(source, board, end_s, json)
    except KeyboardInterrupt:
        pass
    except (BadSecret, BadSetup) as error:
        stop(str(error), Exit.BAD_CONFIG)


def _show(source: Iterator[News | None], board: Board, end_s: float, json: bool) -> None:
    """As a table on a terminal, as lines elsewhere. A source gives None when nothing came for a while."""
    console = Console()
    table = not json and console.is_terminal
    with Live(board.table(), console=console, auto_refresh=False) if table else _Quiet() as live:
        for news in source:
            if news is not None:
                board.take(news)
                if json:
                    answer(news.record())
                elif not table:
                    say(news.line())
            live.update(board.table(), refresh=True)
            if time.monotonic() >= end_s:
                return


class _Quiet:
    """No table at all."""

    def __enter__(self) -> "_Quiet":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def update(self, *_: Any, **__: Any) -> None:
        """Nothing to draw."""


def _direct(settings: Settings, raw: bool) -> Iterator[News | None]:
    """Run the drivers here. Nobody decides meanwhile: boards and terminals that ask get no answer."""
    events: queue.SimpleQueue[DeviceEvent] = queue.SimpleQueue()
    drivers = drivers_of(settings, read_key(settings.secrets.site_key_file), events.put)
    supervisor = Supervisor(drivers, events.put)
    supervisor.start()
    try:
        while True:
            try:
                yield news_of(events.get(timeout=TURN_S), raw)
            except queue.Empty:
                yield None
    finally:
        supervisor.stop(STOP_S)


def _beside(folder: Path, raw: bool) -> Iterator[News | None]:
    """Follow the running gateway's journal."""
    for news in follow(folder / "journal.db", raw):
        if news is None:
            time.sleep(TURN_S)
        yield news
