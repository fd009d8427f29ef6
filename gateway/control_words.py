"""What is said over the control socket: requests, and why one is not carried out.

A request is one line of JSON, `{"do": "text", "reader": "lobby-1", "text": "Hello"}`; after `send-file` come its bytes.
The answer: any number of lines `{"progress": {...}}`, then one line `{"done": {...}}` or `{"error": code, "say": why}`.
"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from controllers.osdp_job import BAUDS, MAX_ADDRESS
from controllers.osdp_message import MAX_SHOWN_CHARS

SOCKET = "control"  # in the gateway's folder
LINE_BYTES = 4096
FILE_BYTES = 4 << 20  # what a reader takes as firmware is far less
Name = Annotated[str, Field(min_length=1, max_length=64)]
Byte = Annotated[int, Field(ge=0, le=255)]
Seconds = Annotated[float, Field(gt=0, le=600)]


class Why(StrEnum):
    """Why an order was not carried out."""

    BAD_REQUEST = "bad_request"  # it cannot be understood
    NOT_ALLOWED = "not_allowed"  # another user's gateway
    NO_DEVICE = "no_device"  # no OSDP reader or line of this name
    BUSY = "busy"  # it is being worked at
    UNRECORDED = "unrecorded"  # it cannot be written down, so nothing was done
    REFUSED = "refused"  # the reader, or what it can do, says no
    EXPIRED = "expired"  # provably never sent
    UNKNOWN = "unknown"  # sent, no answer: it may have been done
    LINE_LOST = "line_lost"
    NO_GATEWAY = "no_gateway"  # nobody listens here; said by the asking side


class NotDone(Exception):
    """An order ended so. Its text says what was in the way."""

    def __init__(self, why: Why, say: str) -> None:
        super().__init__(say)
        self.why = why


class _Ask(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
    by: Annotated[str, Field(max_length=64)] = ""  # the person behind sudo


class AtReader(_Ask):
    """Is about one reader."""

    reader: Name

    @property
    def target(self) -> str:
        """Its name."""
        return self.reader


class AtLine(_Ask):
    """Is about one line of readers."""

    line: Name

    @property
    def target(self) -> str:
        """Its name."""
        return self.line


class ListDevices(_Ask):
    """All devices, and what is known of each."""

    do: Literal["list"] = "list"


class RotateKey(AtReader):
    """Give a reader a new secure-channel key."""

    do: Literal["rotate-key"] = "rotate-key"


class InstallWindow(AtReader):
    """For some minutes a blank reader may be given our key over the published default key; 0 closes the window."""

    do: Literal["install-window"] = "install-window"
    minutes: Annotated[float, Field(ge=0, le=60)]


class SetAddress(AtReader):
    """COMSET."""

    do: Literal["comset"] = "comset"
    address: Annotated[int, Field(ge=0, le=MAX_ADDRESS)]
    baud: int


class SendFile(AtReader):
    """A file of this size follows the line."""

    do: Literal["send-file"] = "send-file"
    size: Annotated[int, Field(ge=1, le=FILE_BYTES)]
    kind: Annotated[int, Field(ge=1, le=255)] = 1


class ShowText(AtReader):
    """A text on a reader's display."""

    do: Literal["text"] = "text"
    text: Annotated[str, Field(max_length=MAX_SHOWN_CHARS, pattern=r"^[ -~]*$")]
    seconds: Byte = 0
    row: Byte = 1
    column: Byte = 1


class Quality(AtLine):
    """What the traffic of some seconds tells of a line."""

    do: Literal["quality"] = "quality"
    seconds: Seconds = 10.0


class CaptureLine(AtLine):
    """Write all that is said on a line into a file of the gateway's folder."""

    do: Literal["capture"] = "capture"
    seconds: Seconds = 30.0


class SearchLine(AtLine):
    """Who is on a line? Its readers are off line meanwhile."""

    do: Literal["search"] = "search"
    bauds: Annotated[list[int], Field(max_length=len(BAUDS))] = []  # none: all


Ask = (
    ListDevices | RotateKey | InstallWindow | SetAddress | SendFile | ShowText | Quality | CaptureLine | SearchLine
)  # fmt: skip
_ASKS: TypeAdapter[Ask] = TypeAdapter(Annotated[Ask, Field(discriminator="do")])


def read_ask(line: bytes) -> Ask:
    """A request. Raises `pydantic.ValidationError`."""
    return _ASKS.validate_json(line)


def written(ask: Ask) -> dict[str, Any]:
    """What of a request goes into the journal: everything but names that have fields of their own."""
    return ask.model_dump(exclude={"do", "by", "reader", "text"})


def socket_path(data_dir: Path) -> Path:
    """Where a site's gateway listens."""
    return data_dir / "gateway" / SOCKET
