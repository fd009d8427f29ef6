"""A line and readers in virtual time: the panel's state machine, thousands of frames a second, without a port."""

import random
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from controllers import osdp_secure as secure
from controllers.driver import DeviceEvent
from controllers.errors import ProtocolViolation
from controllers.osdp_bus import OsdpBus, OsdpReader
from controllers.osdp_frame import Frame, decode, encode
from controllers.osdp_limits import Limits
from controllers.osdp_message import Code, Reply, communication

DEFAULT_KEY = bytes(range(0x30, 0x40))
KEY = bytes.fromhex("0f1e2d3c4b5a69788796a5b4c3d2e1f0")
CAPABILITIES = bytes((1, 1, 2, 2, 1, 2, 4, 1, 1, 5, 1, 1, 9, 1, 1))
TURN_S = 0.001


@dataclass
class VirtualReader:
    """A peripheral: what it does is what SIA OSDP v2.2 says, and what a test tells it to do wrong."""

    address: int
    key: bytes = KEY
    cut: bool = False
    turn_s: float = TURN_S
    naks: dict[int, int] = field(default_factory=dict)  # code -> reason
    bare_naks: dict[int, int] = field(default_factory=dict)  # the same, without a MAC
    busy: int = 0  # so many times BUSY before the next answer
    events: deque[tuple[int, bytes]] = field(default_factory=deque)
    heard: list[tuple[float, int, bytes]] = field(default_factory=list)  # what it carried out, and when
    levels: bytes = b"\0\0"
    blank: bool = False  # in installation mode: it knows the default key alone
    tells: bytes = CAPABILITIES
    chooses: tuple[int, int] | None = None  # another address and baud than COMSET says
    file_answers: deque[bytes] = field(default_factory=deque)  # FTSTAT's data, each once

    def __post_init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Power off and on."""
        self._channel: secure.SecureChannel | None = None
        self._keys: secure.SessionKeys | None = None
        self._sequence, self._last = -1, b""
        self._panel_random = b""

    def answer(self, frame: Frame, now: float) -> bytes | None:
        if frame.reply or frame.address != self.address or self.cut:
            return None
        if self.busy and frame.sequence:
            self.busy -= 1
            return encode(Frame(self.address, 0, Reply.BUSY, reply=True))
        if frame.sequence == 0:
            self.forget()
        elif frame.sequence == self._sequence:
            return self._last
        self._sequence = frame.sequence
        self._last = self._carry_out(frame, now)
        return self._last

    def _reply(self, code: int, data: bytes = b"", security: bytes = b"") -> bytes:
        return encode(Frame(self.address, self._sequence, code, data, security, reply=True))

    def _carry_out(self, frame: Frame, now: float) -> bytes:
        if frame.code in self.bare_naks:
            return self._reply(Reply.NAK, bytes((self.bare_naks.pop(frame.code),)))
        if frame.code == Code.CHLNG:
            return self._challenged(frame)
        if frame.code == Code.SCRYPT and self._keys:
            return self._proved(frame)
        if self._channel is None or not frame.has_mac:
            told: dict[int, tuple[int, bytes]] = {Code.ID: (Reply.PDID, bytes(12)), Code.CAP: (Reply.PDCAP, self.tells)}
            return self._reply(*told.get(frame.code, (Reply.NAK, b"\x06")))
        try:
            opened = self._channel.open(frame)
        except secure.SessionBroken:
            self._channel = None
            return self._reply(Reply.NAK, b"\x06")
        code, data = self._obey(opened, now)
        return encode(self._channel.seal(Frame(self.address, self._sequence, code, data, reply=True)))

    def _challenged(self, frame: Frame) -> bytes:
        self._keys = secure.session_keys(DEFAULT_KEY if self.blank else self.key, frame.data)
        self._panel_random, own = frame.data, bytes(range(8))
        proof = secure.client_cryptogram(self._keys, frame.data, own)
        return self._reply(Reply.CCRYPT, bytes(8) + own + proof, bytes((secure.CLIENT, 0 if self.blank else 1)))

    def _proved(self, frame: Frame) -> bytes:
        assert self._keys
        server = secure.server_cryptogram(self._keys, self._panel_random, bytes(range(8)))
        good = frame.data == server
        initial = secure.initial_mac(self._keys, server)
        if good:
            up, down = (secure.REPLY_PLAIN, secure.REPLY_DATA), (secure.COMMAND_PLAIN, secure.COMMAND_DATA)
            self._channel = secure.SecureChannel(self._keys, bytes(16), up, down)
            self._channel._sent_mac = initial
        return self._reply(Reply.RMAC_I, initial, bytes((secure.READY, 1 if good else 0xFF)))

    def _obey(self, frame: Frame, now: float) -> tuple[int, bytes]:
        if frame.code in self.naks:
            return Reply.NAK, bytes((self.naks[frame.code],))
        match frame.code:
            case Code.ID:
                return Reply.PDID, bytes(12)
            case Code.CAP:
                return Reply.PDCAP, self.tells
            case Code.KEYSET:
                self.key, self.blank = frame.data[2:], False
            case Code.FILETRANSFER if self.file_answers:
                self.heard.append((now, frame.code, frame.data))
                return Reply.FTSTAT, self.file_answers.popleft()
            case Code.COMSET:
                return Reply.COM, communication(*self.chooses) if self.chooses else frame.data
            case Code.ISTAT:
                return Reply.ISTATR, self.levels
            case Code.OSTAT:
                return Reply.OSTATR, bytes(2)
            case Code.LSTAT:
                return Reply.LSTATR, bytes(2)
            case Code.POLL:
                return self.events.popleft() if self.events else (Reply.ACK, b"")
        self.heard.append((now, frame.code, frame.data))
        return Reply.ACK, b""


class VirtualLine:
    """A bus and its readers. `hurt` makes of an answer what arrives: a list of pieces of bytes."""

    def __init__(self, readers: Sequence[VirtualReader], baud: int = 115200, limits: Limits | None = None) -> None:
        self.now = 1000.0
        self.events: list[DeviceEvent] = []
        self.readers = list(readers)
        self.hurt: Callable[[bytes], list[bytes]] = lambda data: [data]
        self.sent: list[tuple[float, Frame]] = []
        self.answers: list[bytes] = []
        self.char_s = 10 / baud
        self._random = random.Random(7)
        self._arriving: list[tuple[float, bytes]] = []
        self.names = {f"r{reader.address}": KEY for reader in readers}
        panel = [OsdpReader(f"r{reader.address}", reader.address, KEY) for reader in readers]
        self.bus = OsdpBus(baud, panel, self.events.append, limits, wall=lambda: 0.0, random=self._random.randbytes)

    def run(self, seconds: float) -> None:
        end, steps = self.now + seconds, 0
        while True:
            steps += 1
            assert steps < 20_000 + seconds * 3000, "the panel spins"
            while self._arriving and self._arriving[0][0] <= self.now:
                self.bus.receive(self._arriving.pop(0)[1], self.now)
            raw = self.bus.next_send(self.now)
            if raw is not None:
                self._carry(raw)
            next_at = min([self.bus.deadline(self.now), *(at for at, _ in self._arriving[:1])])
            if next_at > end:
                self.now = end
                return
            self.now = max(self.now + 1e-6, next_at)

    def _carry(self, raw: bytes) -> None:
        frame = decode(raw.lstrip(b"\xff"))
        self.sent.append((self.now, frame))
        for reader in self.readers:
            heard_at = self.now + len(raw) * self.char_s
            answer = reader.answer(frame, heard_at)
            if answer is None:
                continue
            self.answers.append(answer)
            at = heard_at + reader.turn_s
            for piece in self.hurt(answer):
                at += len(piece) * self.char_s
                self._arriving.append((at, piece))
        self._arriving.sort(key=lambda entry: entry[0])

    def all(self, kind: type[DeviceEvent]) -> list[DeviceEvent]:
        return [event for event in self.events if isinstance(event, kind)]


def forged(answer: bytes, change: Callable[[Frame], Frame]) -> bytes:
    """An answer with other content and a right CRC, as an attacker would send it."""
    try:
        return encode(change(decode(answer)))
    except ProtocolViolation:
        return answer


def with_code(code: int, data: bytes) -> Callable[[Frame], Frame]:
    """The forger's card: same header, other content, no security."""
    return lambda frame: replace(frame, code=code, data=data, security=b"")
