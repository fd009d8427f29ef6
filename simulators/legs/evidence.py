"""Leg 10: the journal and the footage prove themselves whole, and name the place of one altered byte."""

import json
import shutil
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from simulators.legs.watch import LegFailed
from simulators.stage import Stage

LIMIT_S = 30
JOURNAL, RECORDINGS = ("journal", "verify"), ("recordings", "check")


def run(stage: Stage) -> dict[str, Any]:
    """Check the running site, and altered copies of it."""
    copies = stage.site.directory / "copies"
    copies.mkdir(exist_ok=True)
    seq, journal = _altered_journal(stage, copies)
    file, folder = _altered_recording(stage, copies)
    config = str(stage.site.config)
    with ThreadPoolExecutor(2) as pool:
        whole = [pool.submit(_check, *command, "--config", config) for command in (JOURNAL, RECORDINGS)]
        altered_journal = pool.submit(_check, *JOURNAL, "--path", str(journal))
        altered_footage = pool.submit(_check, *RECORDINGS, "--dir", str(folder))
    for command, answer in zip((JOURNAL, RECORDINGS), whole, strict=True):
        _whole(answer.result(), " ".join(command))
    seqs, paths = _named(altered_journal.result(), "seq"), _named(altered_footage.result(), "path")
    if seq not in seqs:
        raise LegFailed(f"record {seq} was altered, the check names {seqs}")
    if not any(str(path).endswith(file.name) for path in paths):
        raise LegFailed(f"{file.name} was altered, the check names {paths}")
    altered = {"altered_seq": seq, "named_seqs": seqs[:3], "altered_file": file.name, "named_files": paths[:3]}
    return {"whole": True, **altered}


def _altered_journal(stage: Stage, copies: Path) -> tuple[int, Path]:
    """A copy in which one letter of one grant is another."""
    event = stage.noted("footage_event")
    copy = copies / "journal.db"
    source = stage.site.directory / "data" / "gateway" / "journal.db"
    with sqlite3.connect(f"file:{source}?mode=ro", uri=True) as live, sqlite3.connect(copy) as target:
        live.backup(target)
        target.execute("pragma journal_mode=delete")
    live.close()
    target.close()
    data = bytearray(copy.read_bytes())
    start = f'"command_id":"{event["command_id"]}","credential":"'.encode()  # no other record has both
    at = data.find(start)
    if at < 0:
        raise LegFailed(f"the journal's file does not hold the grant of record {event['seq']}")
    data[at + len(start)] ^= 1
    copy.write_bytes(data)
    return int(event["seq"]), copy


def _altered_recording(stage: Stage, copies: Path) -> tuple[Path, Path]:
    """A copy of the footage in which one byte in the middle of one file is another."""
    folder = copies / "recordings"
    shutil.copytree(stage.site.directory / "recordings", folder, ignore=shutil.ignore_patterns("incoming"))
    file = sorted(folder.rglob("*.mp4"))[0]
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    return file, folder


def _check(*command: str) -> dict[str, Any]:
    argv = [sys.executable, "-m", "mgmt_api.cli", *command, "--json"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    try:
        answer: dict[str, Any] = json.loads(done.stdout)
    except ValueError as error:
        raise LegFailed(f"menjin {' '.join(command)}: {(done.stderr or done.stdout).strip()[-300:]}") from error
    if answer["ok"] != (done.returncode == 0):
        raise LegFailed(f"menjin {' '.join(command)}: says ok={answer['ok']} and exits {done.returncode}")
    return answer


def _whole(answer: dict[str, Any], what: str) -> None:
    if not answer["ok"]:
        raise LegFailed(f"menjin {what} finds fault with the running site: {answer['faults'][:3]}")


def _named(answer: dict[str, Any], field: str) -> list[Any]:
    if answer["ok"]:
        raise LegFailed("an altered copy passes for whole")
    return [fault[field] for fault in answer["faults"]]
