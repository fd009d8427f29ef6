"""What a camera says of itself over ONVIF (Profile S: Device and Media services), through `onvif-zeep-async`.

What a device answers is untrusted: service addresses stay on the host that was asked (its login goes nowhere else),
stream addresses are parsed as the site file's are, and any that is not rtsp or rtsps is refused with its reason.
Certificates are not verified: cameras sign their own.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from io import StringIO
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import aiohttp
from lxml.etree import LxmlError
from onvif import ONVIFCamera
from onvif.exceptions import ONVIFError
from onvif.util import is_auth_error
from ruamel.yaml import YAML
from zeep.exceptions import Error as ZeepError
from zeep.exceptions import Fault

from camera.source import HIDDEN, BadSource, parse_source

PATH = "/onvif/device_service"  # ONVIF Core specification 5.1: where every device answers
MOST_PROFILES = 32
PORTS = {"http": 80, "https": 443}


class _Straight:
    """An HTTP session that follows no redirect: a login goes to nobody but the host that was named."""

    def __init__(self, session: Any) -> None:
        self._session = session

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    def post(self, *args: Any, **options: Any) -> Any:
        return self._session.post(*args, **options, allow_redirects=False)


class _Camera(ONVIFCamera):  # type: ignore[misc] # the library has no types
    """The library's camera, asked straight, whatever time it says that it is."""

    async def create_onvif_service(self, *args: Any, **options: Any) -> Any:
        service = await super().create_onvif_service(*args, **options)
        if not isinstance(service.transport.session, _Straight):
            service.transport.session = _Straight(service.transport.session)
        return service

    async def _adjust_time(self, devicemgmt: Any) -> Any:
        try:
            return await super()._adjust_time(devicemgmt)
        except (ValueError, OverflowError, AttributeError):  # no moment of any calendar: this machine's time will do
            return devicemgmt


class OnvifFault(Exception):
    """A camera cannot be asked; `str` says why, without its login."""


class NoAnswer(OnvifFault):
    """Nobody answers there, or not in time: look at address, cable and power."""


class BadLogin(OnvifFault):
    """Wrong user name or password, or a clock so wrong that the camera takes no login."""


class BadAnswer(OnvifFault):
    """Something answers, but not as ONVIF asks for."""


@dataclass(frozen=True, slots=True)
class Profile:
    """A stream that the camera offers. `url` is empty when its address is refused; `note` says why."""

    token: str
    name: str
    codec: str
    width: int
    height: int
    fps: float
    kbps: int
    url: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Device:
    """A camera as it describes itself. `clock_error_s`: how far its clock is ahead; None: it does not tell the time."""

    maker: str
    model: str
    firmware: str
    serial: str
    clock_error_s: float | None
    profiles: tuple[Profile, ...]


@dataclass(frozen=True, slots=True)
class Login:
    """Where a camera's ONVIF service is, and who asks."""

    url: str
    username: str = ""
    password: str = ""

    def __repr__(self) -> str:
        return f"Login({self.url!r})"

    @property
    def place(self) -> tuple[str, int]:
        """Return scheme with host, and port. Raises `BadAnswer`: it is no http address."""
        try:
            parts = urlsplit(self.url)
            port = parts.port or PORTS[parts.scheme]
        except (ValueError, KeyError) as error:
            raise BadAnswer("an ONVIF address begins with http:// or https://") from error
        if not parts.hostname or "@" in parts.netloc:
            raise BadAnswer("the address names no host, or has a login in it")
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        return f"{parts.scheme}://{host}", port


async def probe(login: Login, limit_s: float = 20.0) -> Device:
    """Ask a camera what it is and which streams it has. Raises `OnvifFault`."""
    async with _asking(login, limit_s) as camera:
        clock_error_s = await _clock_error(camera)
        told = await camera.devicemgmt.GetDeviceInformation()
        media = await camera.create_media_service()
        found = list(await media.GetProfiles() or ())[:MOST_PROFILES]
        profiles = [await _profile(media, each, login) for each in found if each.token]
    maker, model, firmware, serial = (
        _text(told[key]) for key in ("Manufacturer", "Model", "FirmwareVersion", "SerialNumber")
    )
    return Device(maker, model, firmware, serial, clock_error_s, tuple(profiles))


async def clock_error(login: Login, limit_s: float = 15.0) -> float | None:
    """Return how far the camera's clock is ahead of this machine's, in s. Raises `OnvifFault`."""
    async with _asking(login, limit_s) as camera:
        return await _clock_error(camera)


async def set_clock(login: Login, limit_s: float = 15.0) -> None:
    """Set the camera's clock to this machine's, in UTC. Raises `OnvifFault`."""
    async with _asking(login, limit_s) as camera:
        order = camera.devicemgmt.create_type("SetSystemDateAndTime")
        order.DateTimeType, order.DaylightSavings = "Manual", False
        now = datetime.now(UTC)
        order.UTCDateTime = {
            "Time": {"Hour": now.hour, "Minute": now.minute, "Second": now.second},
            "Date": {"Year": now.year, "Month": now.month, "Day": now.day},
        }
        await camera.devicemgmt.SetSystemDateAndTime(order)


@asynccontextmanager
async def _asking(login: Login, limit_s: float) -> AsyncIterator[Any]:
    """Give a camera whose services are known; what goes wrong becomes an `OnvifFault`."""
    host, port = login.place
    camera = _Camera(host, port, login.username, login.password, adjust_time=True)
    try:
        async with asyncio.timeout(limit_s):
            await camera.update_xaddrs()
            # The services are asked at the host that was named, whatever the device advertises.
            camera.xaddrs = {each: f"{host}:{port}{urlsplit(url).path}" for each, url in camera.xaddrs.items()}
            camera.devicemgmt = await camera.create_devicemgmt_service()
            yield camera
    except (Fault, ZeepError, ONVIFError, LxmlError, aiohttp.ClientError, OSError, TimeoutError) as error:
        raise _fault(error) from error
    except (AttributeError, KeyError, TypeError, ValueError) as error:  # an answer without what it must have
        raise BadAnswer(f"the answer lacks what ONVIF asks for ({type(error).__name__})") from error
    finally:
        await camera.close()


def _fault(error: Exception) -> OnvifFault:
    status = getattr(error, "status_code", None) or getattr(error, "status", None)
    if is_auth_error(error) or status in (401, 403) or "401" in str(error):
        return BadLogin("wrong user name or password, or its clock is too far off for a login")
    if isinstance(status, int) and 300 <= status < 400:
        return BadAnswer("it sends us on to another address: ask there, if it is the camera's")
    if isinstance(error, TimeoutError | aiohttp.ClientConnectionError | OSError):
        return NoAnswer("nobody answers there in time")
    return BadAnswer(f"something answers, but not as ONVIF asks for ({type(error).__name__})")


async def _clock_error(camera: Any) -> float | None:
    try:
        told = await camera.devicemgmt.authless_GetSystemDateAndTime()
    except (Fault, ZeepError, ONVIFError):  # some ask for a login here too, against the specification
        told = await camera.devicemgmt.GetSystemDateAndTime()
    if (utc := told.UTCDateTime) is None:
        return None
    day, hour = utc.Date, utc.Time
    try:
        there = datetime(day.Year, day.Month, day.Day, hour.Hour, hour.Minute, min(hour.Second, 59), tzinfo=UTC)
    except (ValueError, OverflowError):  # month 13, year 0: it tells no time
        return None
    return round((there - datetime.now(UTC)).total_seconds() + 0.5, 1)  # it tells whole seconds, rounded down


async def _profile(media: Any, told: Any, login: Login) -> Profile:
    """Read one profile, with its stream's address."""
    encoder = told.VideoEncoderConfiguration
    size, rate = (getattr(encoder, key, None) for key in ("Resolution", "RateControl"))
    setup = {"Stream": "RTP-Unicast", "Transport": {"Protocol": "RTSP"}}
    try:
        answer = await media.GetStreamUri({"StreamSetup": setup, "ProfileToken": told.token})
        url, note = stream_address(str(getattr(answer, "Uri", None) or ""), login)
    except Fault as error:
        if is_auth_error(error):
            raise
        url, note = "", f"it has no stream: {_text(error.message)}"
    return Profile(
        _text(told.token), _text(told.Name), _text(getattr(encoder, "Encoding", "")),
        int(getattr(size, "Width", 0) or 0), int(getattr(size, "Height", 0) or 0),
        float(getattr(rate, "FrameRateLimit", 0) or 0), int(getattr(rate, "BitrateLimit", 0) or 0), url, note,
    )  # fmt: skip


def stream_address(told: str, login: Login) -> tuple[str, str]:
    """Return the stream's address as the site file wants it, and what is to be said of it.

    Refused: whatever is not rtsp or rtsps. An address on another host is led back to the camera's own: behind a
    network's door it tells its inner one, and its login goes to nobody else. A login in it is left out, or hidden.
    """
    try:
        shown = parse_source("", told.strip()).shown
    except BadSource as error:
        return "", f"refused: {error}"
    parts, (host, _) = urlsplit(shown), login.place
    own = urlsplit(host).hostname
    hidden = f"its login is part of the address: write it in place of {HIDDEN}" if HIDDEN in shown else ""
    if parts.hostname == own:
        return shown, hidden
    bracketed = f"[{own}]" if own and ":" in own else own
    place = f"{bracketed}:{parts.port}" if parts.port else f"{bracketed}"
    notes = (f"it named another host, {parts.hostname}", hidden)
    return urlunsplit((parts.scheme, place, parts.path, parts.query, "")), "; ".join(filter(None, notes))


def chosen(profiles: tuple[Profile, ...]) -> tuple[Profile | None, Profile | None]:
    """Return the profiles for the main and the sub stream: the largest one, and the smallest that is another."""
    usable = sorted((each for each in profiles if each.url), key=lambda each: each.width * each.height)
    if not usable:
        return None, None
    main = usable[-1]
    return main, next((each for each in usable if each.url != main.url and each.width < main.width), None)


def site_lines(name: str, login: Login, device: Device) -> Iterator[str]:
    """Yield the lines of a site file for a camera; whatever it calls its streams, they are one YAML list."""
    main, sub = chosen(device.profiles)
    if main is None:
        yield "# it offers no stream that can be recorded"
    host, port = login.place
    entry: dict[str, object] = {"name": name, "label": {"zh": "摄像机", "en": "Camera"}}
    entry["url"] = main.url if main else "rtsp://…"
    if login.username:
        entry |= {"username": login.username, "password_file": f"secrets/{name}.password"}
    if sub:
        entry["sub"] = {"url": sub.url}
    yaml, text = YAML(), StringIO()
    yaml.allow_unicode, yaml.width = True, 4096
    yaml.dump([{**entry, "onvif": {"url": f"{host}:{port}{PATH}"}}], text)
    yield from text.getvalue().splitlines()


def _text(told: object) -> str:
    """Return a device's words, bounded and on one line."""
    return " ".join(str(told or "").split())[:100]
