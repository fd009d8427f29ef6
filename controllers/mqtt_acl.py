"""The rights file of a mosquitto broker (acl_file), from the list of devices: each sees and says only its own.

Rights are written out for each user instead of by pattern, so that a device's user name need not be in its topics.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from controllers.errors import BadSetup

NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
TOPIC = re.compile(r"[^\s+#/]+(/[^\s+#/]+)*")


@dataclass(frozen=True, slots=True)
class Rights:
    """What one user may do."""

    user: str
    write: tuple[str, ...] = ()
    read: tuple[str, ...] = ()


def own_device(user: str) -> Rights:
    """A device of Menjin's own dialect; its user name is its device name."""
    device = f"menjin/1/d/{_topic(user)}"
    return Rights(user, (f"{device}/up/#",), (f"{device}/down/#",))


def dejaos_terminal(user: str, uuid: str, base: str) -> Rights:
    """A DejaOS terminal: `base` is its prefix and `access_device/v2`."""
    _topic(uuid), _topic(base)
    return Rights(user, (f"{base}/event/+", f"{base}/cmd/+"), (f"{base}/cmd/{uuid}/+", f"{base}/event/{uuid}/+"))


def esprfid_board(user: str, topic: str) -> Rights:
    """An esp-rfid board with a topic of its own."""
    _topic(topic)
    return Rights(user, (f"{topic}/send", f"{topic}/accesslist"), (f"{topic}/cmd",))


def gateway(user: str, devices: Sequence[Rights], fence: bool = True) -> Rights:
    """The gateway: the other side of each device, and a place to hear itself."""
    own = ("menjin/1/g/#",) if fence else ()
    heard = tuple(topic for device in devices for topic in device.write)
    told = tuple(topic for device in devices for topic in device.read)
    return Rights(user, (*told, *own), (*heard, *own))


def home_assistant(user: str, base: str, discovery: str = "homeassistant", commands: bool = False) -> Rights:
    """Home Assistant: sees the doors' states; may ask for an opening only when told so."""
    write = (f"{base}/+/set",) if commands else ()
    return Rights(user, write, (f"{base}/#", f"{discovery}/#"))


def home_assistant_bridge(user: str, base: str, discovery: str = "homeassistant") -> Rights:
    """Our side of that."""
    return Rights(user, (f"{base}/#", f"{discovery}/#"), (f"{base}/+/set",))


def render(rights: Iterable[Rights]) -> str:
    """The file's text; users that stand twice are joined. Raises `BadSetup` for a name that could break a line."""
    joined: dict[str, dict[str, list[str]]] = {}
    for right in rights:
        if not NAME.fullmatch(right.user):
            raise BadSetup(f"{right.user!r} cannot be a broker's user")
        kinds = joined.setdefault(right.user, {"write": [], "read": []})
        kinds["write"] += right.write
        kinds["read"] += right.read
    return "\n".join(_block(user, kinds) for user, kinds in joined.items())


def _block(user: str, kinds: dict[str, list[str]]) -> str:
    lines = [f"topic {kind} {topic}" for kind, topics in kinds.items() for topic in dict.fromkeys(topics)]
    return "\n".join([f"user {user}", *lines, ""])


def _topic(text: str) -> str:
    if not TOPIC.fullmatch(text):
        raise BadSetup(f"{text!r} cannot be part of a topic")
    return text
