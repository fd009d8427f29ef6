"""`menjin check-config` and `menjin config-schema`."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from config.load import BadSettings, Fault, load_settings
from config.settings import Settings
from config.wiring import Finding, devices
from controllers import wiegand
from controllers.errors import BadSetup
from mgmt_api.cli.output import CONFIG_VARIABLE, DEFAULT_CONFIG, Exit, JsonOption, answer, say


def check_config(
    path: Annotated[Path, typer.Argument(envvar=CONFIG_VARIABLE, help="The site file / 站点配置文件")] = DEFAULT_CONFIG,
    json: JsonOption = False,
) -> None:
    """Check a site file whole, and name each mistake with its line and column."""
    faults = config_faults(path)
    if json:
        answer({"ok": not faults, "faults": [asdict(fault) for fault in faults]})
    else:
        say("\n".join(map(str, faults)) if faults else f"{path}: good / 配置正确")
    raise typer.Exit(Exit.BAD_CONFIG if faults else Exit.OK)


def config_faults(path: Path) -> list[Fault]:
    """Each mistake of a site file, those of the card formats included."""
    try:
        load_settings(path, format_faults)
    except BadSettings as error:
        return error.faults
    return []


def format_faults(settings: Settings) -> Iterator[Finding]:
    """Unknown Wiegand formats, and two of one length on a reader: length alone could not tell them apart."""
    for each in devices(settings):
        lengths: dict[int, str] = {}
        for name in each.formats:
            try:
                count = wiegand.find(name).count
            except BadSetup as error:
                yield (*each.place, each.where), str(error)
                continue
            other = lengths.setdefault(count, name)
            if other != name:
                what = f"{other} and {name} have the same length; a reader can have one of them"
                yield (*each.place, each.where), what


def schema(_json: JsonOption = False) -> None:
    """Print the JSON Schema of the site file, for an editor's completion."""
    answer(Settings.model_json_schema())
