"""What the site file says of the cameras, as the recorder's own values: the root's table."""

from pathlib import Path

import structlog

from camera.qr_reader import QrReader, View
from camera.source import BadSource, Source, parse_source
from config.cameras import Camera
from config.secret import BadSecret, read_secret

log = structlog.get_logger()


def main_source(wired: Camera) -> Source:
    """Return where a camera's main stream comes from.

    Raises:
        BadSource, BadSecret: Its address or its password file is wrong.
    """
    return _source(wired, wired.name, wired.url)


def sub_name(camera: str) -> str:
    """Return what a camera's sub stream is called; no camera's name has a dot."""
    return f"{camera}.sub"


def sub_source(wired: Camera) -> Source | None:
    """Return where a camera's sub stream comes from; None when it has none, or a wrong one, which is logged.

    A wrong address of the sub stream does not stop the recording of the main one.
    """
    if wired.sub is None:
        return None
    return _source_or_none(wired, sub_name(wired.name), wired.sub.url, "sub stream")


def code_reader(wired: Camera) -> QrReader | None:
    """Return what reads a camera's codes; a wrong address of theirs does not stop the recording."""
    if (qr := wired.qr) is None:
        return None
    device = qr.source if qr.source and qr.source.startswith("/") else ""
    url = wired.url if device or not qr.source else qr.source
    source = _source_or_none(wired, wired.name, url, "codes")
    return QrReader(View(source, device, qr.region, qr.fps)) if source else None


def _source(wired: Camera, name: str, url: str) -> Source:
    password = read_secret(Path(wired.password_file)) if wired.password_file else ""
    return parse_source(name, url, wired.username, password)


def _source_or_none(wired: Camera, name: str, url: str, what: str) -> Source | None:
    try:
        return _source(wired, name, url)
    except (BadSource, BadSecret) as error:
        log.error("camera misconfigured", camera=wired.name, what=what, error=str(error))
        return None
