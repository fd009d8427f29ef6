"""`menjin doctor`: what of this machine, and of this site file, will not work, in words."""

import ctypes.util
import shutil
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from config.load import BadSettings, load_settings
from config.secret import BadSecret, read_key, read_secret
from config.settings import Settings
from controllers.errors import BadSetup
from controllers.vault import load_keys
from mgmt_api.cli.check_config import format_faults
from mgmt_api.cli.doctor_field import field, machine_ports
from mgmt_api.cli.doctor_osdp import scan
from mgmt_api.cli.finding import Finding
from mgmt_api.cli.output import DEFAULT_CONFIG, ConfigOption, Exit, JsonOption, answer, say

LOW_DISK_BYTES = 5 << 30


def doctor(
    config: ConfigOption = DEFAULT_CONFIG,
    scan_port: Annotated[
        str | None,
        typer.Option("--scan", metavar="PORT", help="Find OSDP readers on a port / 在串口上搜索 OSDP 读卡器"),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Look at tools, ports, disks, secrets and peers, and say what to do."""
    findings = [*_machine(), *(scan(scan_port) if scan_port else ()), *_site(config)]
    good = all(finding.ok for finding in findings)
    if json:
        answer({"ok": good, "findings": [asdict(finding) for finding in findings]})
    else:
        for finding in findings:
            say(f"{'✓' if finding.ok else '✗'} {finding.what}: {finding.say}")
    raise typer.Exit(Exit.OK if good else Exit.FAILED)


def _machine() -> Iterator[Finding]:
    path = shutil.which("ffmpeg")
    yield Finding("ffmpeg", bool(path), path or "not found; the recorder needs it: apt-get install ffmpeg")
    zbar = ctypes.util.find_library("zbar")
    yield Finding("zbar", bool(zbar), zbar or "not found; QR by camera needs it: apt-get install libzbar0")
    yield from machine_ports()


def _site(path: Path) -> Iterator[Finding]:
    if path == DEFAULT_CONFIG and not path.parent.exists():
        yield Finding("site file", True, f"none at {path} yet: make one with menjin init, or name one with --config")
        return
    try:
        settings = load_settings(path, format_faults)
    except BadSettings as error:
        for fault in error.faults:
            yield Finding("site file", False, str(fault))
        return
    yield Finding("site file", True, str(path))
    yield from _secrets(settings)
    yield from field(settings)
    yield from _disks(settings)


def _secrets(settings: Settings) -> Iterator[Finding]:
    try:
        read_key(settings.secrets.site_key_file)
        yield Finding("site key", True, "32 bytes")
    except BadSecret as error:
        yield Finding("site key", False, str(error))
    if settings.buses:
        yield _reader_keys(settings)
    for token in _token_files(settings):
        try:
            read_secret(token)
        except BadSecret as error:
            yield Finding("secret", False, str(error))


def _reader_keys(settings: Settings) -> Finding:
    try:
        known = load_keys(settings.secrets.reader_keys_file)
    except BadSetup as error:
        return Finding("reader keys", False, str(error))
    missing = [reader.name for bus in settings.buses for reader in bus.readers if reader.name not in known]
    return Finding(
        "reader keys",
        not missing,
        f"no key for {', '.join(missing)}: run menjin device make-keys" if missing else f"{len(known)} keys",
    )


def _token_files(settings: Settings) -> Iterator[Path]:
    if settings.gateway:
        yield settings.gateway.api.token_file
    if settings.recorder:
        yield settings.recorder.token_file
    if settings.broker and settings.broker.home_assistant and settings.broker.home_assistant.password_file:
        yield settings.broker.home_assistant.password_file
    if settings.api:
        yield from (token.token_file for token in (*settings.api.gateways, *settings.api.central))
        yield from (link.token_file for link in settings.api.recorders)


def _disks(settings: Settings) -> Iterator[Finding]:
    folders = {"data": settings.data_dir} | ({"recordings": settings.recorder.dir} if settings.recorder else {})
    for name, folder in folders.items():
        existing = next(each for each in (folder, *folder.parents) if each.exists())
        free = shutil.disk_usage(existing).free
        yield Finding(f"disk of {name}", free > LOW_DISK_BYTES, f"{free / (1 << 30):.1f} GiB free at {existing}")
