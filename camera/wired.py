"""What the site file says of the cameras, as the recorder's own values: the root's table."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import tzinfo
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import structlog

from camera.alarms import Alarms
from camera.database import Database
from camera.drawing import Drawings
from camera.footage import Footage
from camera.marks import Mark
from camera.modes import Mode, Modes, Window
from camera.motion_watcher import Watched, Watcher
from camera.onvif_clock import ClockWatch
from camera.qr_reader import QrReader, View
from camera.retention import Policy
from camera.seeing import DRAWINGS, REFERENCES, Seeing, Stills
from camera.segment import US, sub_name
from camera.source import BadSource, Source, parse_source
from camera.states import CameraState
from config.cameras import DAYS, Camera, Offsite, Recording, Retention
from config.cameras import Window as WiredWindow
from config.secret import BadSecret, read_secret

if TYPE_CHECKING:
    from camera.s3 import Store

log = structlog.get_logger()


def main_source(wired: Camera) -> Source:
    """Return where a camera's main stream comes from.

    Raises:
        BadSource, BadSecret: Its address or its password file is wrong.
    """
    return _source(wired, wired.name, wired.url)


def sub_source(wired: Camera) -> Source | None:
    """Return where a camera's sub stream comes from; None when it has none, or a wrong one, which is logged.

    A wrong address of the sub stream does not stop the recording of the main one.
    """
    if wired.sub is None:
        return None
    return _source_or_none(wired, sub_name(wired.name), wired.sub.url, "sub stream")


def watched(wired: Camera) -> Watched:
    """Return how a camera's picture is watched; without a source when it is switched off or has no sub stream."""
    told = wired.analytics
    chosen = told.stream or ("sub" if wired.sub else "off")
    url = wired.sub.url if chosen == "sub" and wired.sub else wired.url
    source = None if chosen == "off" else _source_or_none(wired, wired.name, url, "analytics")
    limits = {"lasts_s": told.fault_s, "frozen_s": told.frozen_s, "learn_s": told.learn_s}
    return Watched(source, wired.name, wired.doors, told.fps, limits, told.lost_s)


def see(
    cameras: Sequence[Camera],
    root: Path,
    where: tzinfo,
    database: Database,
    mark: Callable[[Mark], object],
    footage: Footage,
    recorded: Mapping[str, Callable[[], CameraState]],
) -> Seeing:
    """Return what watches the cameras; `recorded` says of each how its recording goes."""
    alarms = Alarms(database)
    alarms.end_all(int(time.time() * US))
    drawings = Drawings(root / DRAWINGS, {each.name: each.masks for each in cameras})
    references = root / REFERENCES
    references.mkdir(exist_ok=True)
    watchers, clocks = {}, []
    for each in cameras:
        still = Stills(root, footage, drawings, each.name).take
        watcher = watchers[each.name] = Watcher(
            watched(each), drawings, references / f"{each.name}.png", alarms, mark, still, recorded[each.name], where
        )
        if clock := clock_watch(each, watcher):
            clocks.append(clock)
    return Seeing(root, alarms, drawings, watchers, clocks)


def clock_watch(wired: Camera, watcher: Watcher) -> ClockWatch | None:
    """Return what compares a camera's clock with this machine's; None when nothing is said of its ONVIF service."""
    if (told := wired.onvif) is None:
        return None
    try:
        password = read_secret(Path(wired.password_file)) if wired.password_file else ""
    except BadSecret as error:
        log.error("camera misconfigured", camera=wired.name, what="onvif", error=str(error))
        return None
    return ClockWatch(
        wired.name, told.url, wired.username, password, told.clock_error_s, told.check_every_s, watcher.clock
    )


def code_reader(wired: Camera) -> QrReader | None:
    """Return what reads a camera's codes; a wrong address of theirs does not stop the recording."""
    if (qr := wired.qr) is None:
        return None
    device = qr.source if qr.source and qr.source.startswith("/") else ""
    url = wired.url if device or not qr.source else qr.source
    source = _source_or_none(wired, wired.name, url, "codes")
    return QrReader(View(source, device, qr.region, qr.fps)) if source else None


def modes(wired: Camera, zone: ZoneInfo) -> Modes:
    """Return what is kept when, by the site's time."""
    recording = wired.recording
    windows = tuple(map(_window, recording.windows))
    return Modes(Mode(recording.mode), windows, zone, int(recording.pre_s * US), int(recording.post_s * US))


def policies(cameras: Iterable[Camera]) -> dict[str, Policy]:
    """Return how long each recorded stream's footage stays, by the stream's name."""
    return dict(_policies(cameras))


def store(wired: Offsite) -> "Store":
    """Return the store elsewhere.

    Raises:
        BadSecret: Its key cannot be read.
    """
    from camera.s3 import Store  # boto3 takes a second and 40 MB: only where it is used

    return Store(
        wired.endpoint, wired.bucket, wired.region, wired.access_key, read_secret(wired.secret_key_file),
        wired.prefix, wired.limit_mbit,
    )  # fmt: skip


def _policies(cameras: Iterable[Camera]) -> Iterator[tuple[str, Policy]]:
    for each in cameras:
        yield each.name, _policy(each.retention, each.recording)
        if each.sub and each.sub.record:
            yield sub_name(each.name), _policy(each.sub.retention or each.retention, each.recording)


def _policy(kept: Retention, recording: Recording) -> Policy:
    motion_s, event_s = (None if hours is None else hours * 3600 for hours in (kept.motion_h, kept.event_h))
    return Policy(kept.max_age_h * 3600, kept.max_bytes, motion_s, event_s, recording.linger_s, kept.min_age_h * 3600)


def _window(wired: WiredWindow) -> Window:
    begin, end = (int(text[:2]) * 60 + int(text[3:]) for text in (wired.begin, wired.end))
    return Window(frozenset(map(DAYS.index, wired.days)), begin, end, Mode(wired.mode))


def _source(wired: Camera, name: str, url: str) -> Source:
    password = read_secret(Path(wired.password_file)) if wired.password_file else ""
    return parse_source(name, url, wired.username, password)


def _source_or_none(wired: Camera, name: str, url: str, what: str) -> Source | None:
    try:
        return _source(wired, name, url)
    except (BadSource, BadSecret) as error:
        log.error("camera misconfigured", camera=wired.name, what=what, error=str(error))
        return None
