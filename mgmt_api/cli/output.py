"""What the commands print: JSON for scripts on stdout, plain lines for people, errors on stderr."""

import json
import sys
from enum import IntEnum
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from config.load import BadSettings, load_settings
from config.settings import Settings


class Exit(IntEnum):
    """Exit codes; 78 is EX_CONFIG of sysexits.h."""

    OK = 0
    FAILED = 1
    USAGE = 2
    BAD_CONFIG = 78


CONFIG_VARIABLE = "MENJIN_CONFIG"
ConfigOption = Annotated[
    Path,
    typer.Option("--config", "-c", envvar=CONFIG_VARIABLE, help="The site file / 站点配置文件"),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object / 输出 JSON")]
DEFAULT_CONFIG = Path("/etc/menjin/site.yaml")


def say(text: str) -> None:
    """A line for people on stdout."""
    typer.echo(text)


def answer(value: dict[str, Any] | list[dict[str, Any]]) -> None:
    """One JSON object on stdout, or a list of them."""
    typer.echo(json.dumps(value, ensure_ascii=False, default=str))


def stop(text: str, code: Exit = Exit.FAILED) -> NoReturn:
    """A plain line on stderr, and the end."""
    sys.stderr.write(text.rstrip() + "\n")
    raise typer.Exit(code)


def settings_of(path: Path) -> Settings:
    """The settings of a site file, or the end with each mistake on its own line."""
    try:
        return load_settings(path)
    except BadSettings as error:
        stop(str(error), Exit.BAD_CONFIG)
