"""Where a camera's stream comes from: `rtsp://` or `rtsps://`, nothing else.

The address with its password never stands in ffmpeg's arguments, where every local user could read it
(`/proc/PID/cmdline`): ffmpeg reads it from its standard input, as a one-line list of its concat demuxer. What remains
readable is ffmpeg's memory, by its own user and root. Whatever ffmpeg says is scrubbed before it is logged.
"""

import re
from dataclasses import dataclass, field
from urllib.parse import SplitResult, quote, unquote, urlsplit

SCHEMES = ("rtsp", "rtsps")

# ffmpeg may open nothing but these, whatever a list or a redirect says.
PROTOCOLS = "pipe,rtsp,rtsps,rtp,tcp,udp,tls,crypto"


HIDDEN = "***"
# Some cameras want their login in the path or the query: `/user=admin&password=x&channel=1`, or with `_` between.
_LOGIN = re.compile(r"(?i)((?<![a-z])(?:user(?:name)?|pass(?:word|wd)?|pwd)=)([^&?/;]+?)(?=_[a-z]+=|[&?/;]|$)")


class BadSource(ValueError):
    """The camera's address is not one that the recorder opens; the operator must correct it."""


@dataclass(frozen=True, slots=True)
class Source:
    """A camera's stream. `repr` and `shown` are free of credentials."""

    camera: str
    shown: str
    address: str = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)

    def script(self, timeout_us: int = 5_000_000, sound: bool = False) -> bytes:
        """Return what ffmpeg reads on its standard input.

        TCP, because UDP loses packets at key frames; a short look at the stream, because the default one costs a
        second of every reconnect. What sound is, takes longer to see.
        """
        look_us = 1_000_000 if sound else 100_000
        quoted = self.address.replace("'", "'\\''")
        options = ("rtsp_transport tcp", f"timeout {timeout_us}", f"analyzeduration {look_us}", "probesize 200000")
        lines = ["ffconcat version 1.0", f"file '{quoted}'", *(f"option {option}" for option in options)]
        return ("\n".join(lines) + "\n").encode()

    def scrub(self, text: str) -> str:
        """Return text without the address' credentials."""
        text = text.replace(self.address, self.shown)
        for secret in self.secrets:
            text = text.replace(secret, HIDDEN)
        return text


def parse_source(camera: str, url: str, username: str = "", password: str = "") -> Source:
    """Return the stream at an address.

    Credentials come from `username` and `password` as plain text, or, percent-encoded, from the address itself.

    Raises:
        BadSource: Another scheme, no host, a bad port, or control characters.
    """
    parts = _split(url)
    user, secret = parts.username or "", parts.password or ""
    if username:
        user, secret = quote(username, safe=""), quote(password, safe="")
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    place = f"{host}:{parts.port}" if parts.port else f"{host}"
    tail = parts.path + (f"?{parts.query}" if parts.query else "")
    login = f"{user}:{secret}@" if user else ""
    shown = f"{parts.scheme}://{place}{_LOGIN.sub(_hide, tail)}"
    inner = [found[2] for found in _LOGIN.finditer(tail)]
    secrets = tuple({one for one in (secret, unquote(secret), password, *inner, *map(unquote, inner)) if one})
    return Source(camera, shown, f"{parts.scheme}://{login}{place}{tail}", secrets)


def _hide(found: re.Match[str]) -> str:
    return f"{found[1]}{HIDDEN}"


def _split(url: str) -> SplitResult:
    if any(char <= " " or char == "\x7f" for char in url):
        raise BadSource("the address has spaces or control characters")
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise BadSource("the address cannot be read") from error
    if parts.scheme not in SCHEMES:
        raise BadSource(f"{parts.scheme or 'no scheme'}: only rtsp:// and rtsps:// are recorded")
    if not parts.hostname:
        raise BadSource("the address names no host")
    return parts
