"""A file on its way to an OSDP device, fragment by fragment (SIA OSDP v2.2, clauses 6.26 FILETRANSFER, 7.25 FTSTAT)."""

from dataclasses import dataclass

from controllers.errors import ProtocolViolation
from controllers.osdp_command import FileCommand
from controllers.osdp_message import Code, Reply

FRAME_BYTES = 11 + 35  # fragment header; frame, security block, padding, MAC and CRC around it
FRAGMENT_BYTES = range(16, 513)  # the least is asked even of a device that tells a smaller buffer
PLAIN_BUFFER_BYTES = 128  # of a device that tells none (SIA OSDP v2.2 annex B.11)
LONGEST_PAUSE_S = 2.0
PROCEED, PROCESSED, REBOOTING, FINISHING = 0, 1, 2, 3
ERRORS = {-1: "aborted", -2: "file not recognised", -3: "file malformed"}

Step = tuple[Code, bytes]


@dataclass(frozen=True, slots=True)
class FileStatus:
    """FTSTAT's content."""

    alone: bool  # nothing else may be said until the file is through
    pause_s: float
    status: int  # negative: an error
    most_bytes: int  # the next message's greatest length; 0: as before


def read_file_status(data: bytes) -> FileStatus:
    """FTSTAT: control flags, pause in ms, status, greatest message, all LE."""
    if len(data) != 7:
        raise ProtocolViolation("malformed FTSTAT")
    pause_ms, most = (int.from_bytes(data[at : at + 2], "little") for at in (1, 5))
    status = int.from_bytes(data[3:5], "little", signed=True)
    return FileStatus(not data[0] & 1, min(pause_ms / 1000, LONGEST_PAUSE_S), status, most)


@dataclass(frozen=True, slots=True)
class Follow:
    """What comes after an answer: another step, or the end with a reason where it failed."""

    step: Step | None
    refusal: str = ""
    pause_s: float = 0.0
    alone: bool = False


class FileTransfer:
    """The fragments of one file, as large as the device takes them."""

    def __init__(self, command: FileCommand, buffer_bytes: int = 0) -> None:
        self._command = command
        self._at = self._sent = 0
        self._most = self._fit((buffer_bytes or PLAIN_BUFFER_BYTES) - FRAME_BYTES)

    def step(self) -> Step:
        """The next fragment; an empty one at the end asks whether the device is done."""
        content = self._command.content
        piece = content[self._at : self._at + self._most]
        self._sent = len(piece)
        numbers = ((len(content), 4), (self._at, 4), (len(piece), 2))
        start = bytes((self._command.kind,)) + b"".join(value.to_bytes(size, "little") for value, size in numbers)
        return Code.FILETRANSFER, start + piece

    def follow(self, code: int, data: bytes) -> Follow:
        """What the device's answer asks for."""
        if code != Reply.FTSTAT:
            return Follow(None, "no file status")
        try:
            said = read_file_status(data)
        except ProtocolViolation as error:
            return Follow(None, str(error))
        if said.status < 0:
            return Follow(None, ERRORS.get(said.status, f"file error {said.status}"))
        self._at += self._sent
        self._command.progress(self._at, len(self._command.content))
        if said.status in (PROCESSED, REBOOTING) or (self._at == len(self._command.content) and said.status == PROCEED):
            return Follow(None)
        if said.most_bytes:
            self._most = self._fit(said.most_bytes - FRAME_BYTES)
        return Follow(self.step(), "", said.pause_s, said.alone)

    def _fit(self, wanted: int) -> int:
        return min(max(wanted, FRAGMENT_BYTES.start), FRAGMENT_BYTES.stop - 1)
