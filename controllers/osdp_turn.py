"""The small things that an OSDP session is made of: the reader as wired, the session's phases, a frame on its way."""

from dataclasses import dataclass, field
from enum import Enum

from controllers.osdp_job import Job
from controllers.osdp_message import Code, Function, Nak

SURVEY = (Code.CAP, Code.ID, Code.ISTAT, Code.LSTAT, Code.OSTAT)
REFRESH = SURVEY[2:]
NEEDS = {Code.ISTAT: Function.INPUTS, Code.OSTAT: Function.OUTPUTS}
QUESTIONS = {Code.ID: b"\0", Code.CAP: b"\0"}  # both ask for the standard report
SESSION_GONE = {Nak.SEQUENCE, Nak.NO_SECURITY, Nak.ENCRYPTION_REQUIRED}


@dataclass(frozen=True, slots=True)
class OsdpReader:
    """A reader on a bus: its name, address (0 to 126) and 16-byte secure-channel base key.

    `next_scbk` is the key that it shall have, while keys change.
    """

    name: str
    address: int
    scbk: bytes = field(repr=False)
    next_scbk: bytes | None = field(default=None, repr=False)

    @property
    def keys(self) -> tuple[bytes, ...]:
        """The present key, and the next one if there is one."""
        return (self.scbk, self.next_scbk) if self.next_scbk else (self.scbk,)


class Phase(Enum):
    """How far the link has come."""

    OFFLINE = "offline"
    HELLO = "hello"
    CHALLENGE = "challenge"
    CRYPT = "crypt"
    INSTALL = "install"  # a channel with the default key: our key is all that is said
    ONLINE = "online"


@dataclass(slots=True)
class Turn:
    """A frame that has no answer yet."""

    raw: bytes
    code: int
    job: Job | None = None
    sent: int = 0
    busy: int = 0
