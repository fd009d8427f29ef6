"""What the recorder's app answers, as JSON objects."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from camera.clocks import Clocks
from camera.forecast import Forecast
from camera.live import Live
from camera.marks import WORDS as CLASS_WORDS
from camera.marks import Mark
from camera.playlist import iso
from camera.qr_reader import QrReader
from camera.segment import US, Erased, Gap, Hold
from camera.states import WORDS, CameraState
from camera.timeline import Recorded, Span

Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class Camera:
    """A camera as the app shows it; also its sub stream, which has a name of its own and `main` set."""

    name: str
    label: Mapping[str, str]
    doors: tuple[str, ...]
    live: Live | None
    state: Callable[[], CameraState]
    codes: QrReader | None = None
    live_h264: Live | None = None  # for browsers that cannot show the camera's own coding
    clocks: Callable[[], Clocks] = Clocks
    sub: str | None = None  # the name of its sub stream
    main: str | None = None


def camera_json(camera: Camera) -> Json:
    """A camera and what it is doing."""
    state = camera.state()
    zh, en = WORDS[state.state]
    return {
        "name": camera.name,
        "label": camera.label,
        "doors": camera.doors,
        "state": state.state,
        "since": iso(int(state.since * US)),
        "words": {"zh": zh, "en": en},
        "viewers": camera.live.viewers if camera.live else 0,
        "codes": camera.codes.state.state if camera.codes else None,
        "sub": camera.sub,
        "clocks": clocks_json(camera.clocks()),
    }


def clocks_json(clocks: Clocks) -> Json:
    """How the camera's clock and this machine's run; null where it is not known."""
    offset_us, error_us = clocks.camera_offset_us, clocks.host_error_us
    return {
        "camera_ppm": clocks.camera_ppm,
        "camera_offset_ms": None if offset_us is None else round(offset_us / 1000),
        "host_ppm": clocks.host_ppm,
        "host_error_ms": None if error_us is None else round(error_us / 1000),
    }


def span_json(span: Span) -> Json:
    """What one file recorded."""
    return {"id": span.id, "start": iso(span.start_us), "end": iso(span.end_us), "bytes": span.bytes}


def recorded_json(recorded: Recorded) -> Json:
    """A stretch of footage."""
    return {
        "start": iso(recorded.start_us),
        "end": iso(recorded.end_us),
        "bytes": recorded.bytes,
        "files": recorded.files,
    }


def export_json(row: Json) -> Json:
    """A line of the register of exports."""
    times = {key: iso(int(str(row[f"{key}_us"]))) for key in ("at", "from", "to")}
    return {key: row[key] for key in ("id", "by", "reason", "cameras", "manifest")} | times


def forecast_json(forecast: Forecast) -> Json:
    """How long the disk lasts."""
    return {
        "bytes_per_day": forecast.bytes_per_day,
        "keeps_days": forecast.keeps_days,
        "wanted_days": forecast.wanted_days,
        "short": forecast.short,
        "unlawful": forecast.unlawful,
        "snapshot_days": forecast.snapshot_days,
        "words": forecast.words,
    }


def gap_json(gap: Gap) -> Json:
    """What is missing; `to` is null while it lasts."""
    return {"from": iso(gap.from_us), "to": None if gap.to_us is None else iso(gap.to_us), "reason": gap.reason}


def erased_json(erased: Erased) -> Json:
    """What retention removed."""
    return {"from": iso(erased.from_us), "to": iso(erased.to_us), "reason": erased.reason}


def mark_json(mark: Mark) -> Json:
    """What happened, and when."""
    return {
        "id": mark.id,
        "camera": mark.camera,
        "from": iso(mark.from_us),
        "to": iso(mark.to_us),
        "class": CLASS_WORDS[mark.footage_class],
        "reason": mark.reason,
    }


def hold_json(hold: Hold) -> Json:
    """A hold."""
    return {
        "id": hold.id,
        "camera": hold.camera,
        "from": iso(hold.from_us),
        "to": iso(hold.to_us),
        "reason": hold.reason,
        "by": hold.by,
        "until": iso(hold.until_us) if hold.until_us else None,
    }
