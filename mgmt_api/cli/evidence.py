"""`menjin journal verify`, `recordings check` and `clip verify`: is the evidence whole?"""

import sqlite3
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mgmt_api.cli.output import DEFAULT_CONFIG, ConfigOption, Exit, JsonOption, answer, say, settings_of, stop

if TYPE_CHECKING:
    from camera.repair import Repaired

journal = typer.Typer(no_args_is_help=True)
recordings = typer.Typer(no_args_is_help=True)
clip = typer.Typer(no_args_is_help=True)


@journal.callback()
def _journal() -> None:
    """The event journal."""


@recordings.callback()
def _recordings() -> None:
    """The footage."""


@clip.callback()
def _clip() -> None:
    """Exported footage."""


@journal.command("verify", help="Prove the journal whole / 校验事件日志")
def verify(
    config: ConfigOption = DEFAULT_CONFIG,
    path: Annotated[Path | None, typer.Option(help="A journal file, instead of the site's own / 日志文件")] = None,
    json: JsonOption = False,
) -> None:
    """Walk the hash chain and name each break."""
    from gateway.verify import verify as verify_journal

    target = path or settings_of(config).data_dir / "gateway" / "journal.db"
    if not target.is_file():
        stop(f"{target}: there is no journal here")
    _report(target, [asdict(fault) for fault in verify_journal(target)], json)


@recordings.command("check", help="Compare index and footage, and repair them / 校验并修复录像")
def check(
    config: ConfigOption = DEFAULT_CONFIG,
    directory: Annotated[
        Path | None, typer.Option("--dir", help="A recordings folder, instead of the site's / 录像目录")
    ] = None,
    mend: Annotated[bool, typer.Option("--repair", help="Repair what can be; stop the recorder first / 修复")] = False,
    lost: Annotated[
        list[str] | None,
        typer.Option(help="With --repair: a disk that will not come back; may be repeated / 已损毁、不再恢复的硬盘"),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Compare the index with the files, byte for byte; repair where they do not agree."""
    from camera.check import check as check_recordings
    from camera.database import IndexTooNew

    target, disks = directory, {}
    if target is None:
        recorder = settings_of(config).recorder
        if recorder is None:
            stop(f"{config}: has no 'recorder' section", Exit.BAD_CONFIG)
        target, disks = recorder.dir, {each.name: each.dir for each in recorder.disks}
    if not target.is_dir():
        stop(f"{target}: there are no recordings here")
    if lost and not mend:
        stop("--lost goes with --repair / --lost 须与 --repair 同用", Exit.USAGE)
    try:
        done = [asdict(each) for each in _repaired(target, disks, lost or [])] if mend else []
        faults = [asdict(fault) for fault in check_recordings(target)]
    except (IndexTooNew, sqlite3.OperationalError) as error:
        stop(f"{target}: its index cannot be opened: {error}")
    if not json:
        for each in done:
            say("  ".join(str(value) for value in each.values()))
    _report(target, faults, json, {"repaired": done} if mend else {})


def _repaired(target: Path, disks: dict[str, Path], lost: list[str]) -> "list[Repaired]":
    from camera.disk import FolderInUse
    from camera.repair import RepairRefused, repair
    from config.logs import configure

    configure("repair")  # what is taken in is logged beside the answer, not into it
    try:
        return repair(target, time.time_ns() // 1000, disks=disks, lost=lost)
    except FolderInUse as error:
        stop(f"{error}: stop the recorder first / 请先停止录像服务")
    except RepairRefused as error:
        stop(f"{target}: not repaired: {error}")


@clip.command("verify", help="Check an exported clip and its signature / 校验导出的录像包")
def verify_clip(
    path: Annotated[Path, typer.Argument(help="The exported zip / 导出的压缩包")],
    key: Annotated[
        list[str] | None, typer.Option(help="A recorder's public key in hex; may be repeated / 录像机公钥")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Compare each byte of an export with its signed manifest."""
    from camera.clip import public_keys
    from camera.clip import verify as verify_export

    if not path.is_file():
        stop(f"{path}: there is no export here")
    faults, signers = [asdict(fault) for fault in verify_export(path, *(key or ()))], public_keys(path)
    if not (key or json):
        say(_WHOSE_KEY.format(", ".join(signers) or "-"))
    _report(path, faults, json, {"signed_by": signers, "key_checked": bool(key)})


_WHOSE_KEY = (  # a forger signs with a key of his own, and all fits together
    "signed by {0}: whose key this is, nobody has checked; compare it with the recorder's, or give that as --key\n"
    "签名公钥 {0}：未核对是谁的密钥；请与录像机的公钥比对，或用 --key 给出录像机公钥"
)


def _report(target: Path, faults: list[dict[str, Any]], json: bool, more: dict[str, Any] | None = None) -> None:
    if json:
        answer({"ok": not faults, "target": str(target), "faults": faults, **(more or {})})
    elif faults:
        for fault in faults:
            say("  ".join(str(value) for value in fault.values()))
    else:
        say(f"{target}: whole / 完好")
    raise typer.Exit(Exit.FAILED if faults else Exit.OK)
