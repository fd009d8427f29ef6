"""A process: a UHPPOTE / Weigeng four-door board on UDP, written from uhppote-simulator's documents.

    python -m simulators.uhppote_board --serial 405419896 --address 127.0.0.1

Requests: swipe {card, door?, direction?, unheard?} (unheard: its event packet gets lost), button {door}, leaf {door,
open} (a door opens or closes), mute {on} (it hears nothing), wipe (its events are erased), state, diary. PC control
lapses when the host has been silent for 30 s (--silence-s); then the board's own list decides.
"""

import argparse
import socket
import struct
import threading
import time
from datetime import UTC, datetime
from typing import Any

from simulators.control import serve_device
from simulators.diary import Diary

EVENT, PC_CONTROL, SWIPE_OK, NO_PRIVILEGE, OUTSIDE, NO_PASS, BUTTON, LEAF_OPEN, LEAF_CLOSED = (
    0x20,
    5,
    1,
    6,
    15,
    18,
    20,
    23,
    24,
)


def bcd(text: str) -> bytes:
    """Digits, two a byte."""
    return bytes.fromhex(text)


class Board:
    """The board's memory, and its answers."""

    def __init__(self, serial: int, host: str, port: int, diary: Diary, silence_s: float = 30.0) -> None:
        self.serial = serial
        self.muted = False
        self.cards: dict[int, bytes] = {}  # number: the 12 bytes of dates and doors
        self.profiles: dict[int, bytes] = {}  # number: the 29 bytes after it of its packet
        self.events: list[bytes] = []
        self.doors = {door: [3, 5] for door in range(1, 5)}  # mode and delay
        self.open = [False] * 4
        self.pressed = [False] * 4
        self.unlocked_until = [0.0] * 4
        self._diary = diary
        self._silence_s = silence_s
        self._heard = float("-inf")
        self._pc_control = False
        self._listener: tuple[str, int] | None = None
        self._read_index = 0
        self._clock_off_s = 0.0
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((host, port))
        self.port: int = self._socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    # What people do

    def swipe(self, card: int, door: int = 1, direction: int = 1, unheard: bool = False) -> bool:
        """A card at a reader; whether the board opened by itself."""
        if self._pc_control and time.monotonic() - self._heard < self._silence_s:
            self._note(1, False, door, direction, card, PC_CONTROL, unheard)
            return False
        reason = self._decide(card, door)
        granted = reason == SWIPE_OK
        self._note(2 if granted else 1, granted, door, direction, card, reason, unheard)
        if granted:
            self._unlock(door)
        return granted

    def leaf(self, door: int, is_open: bool) -> None:
        """The door moves."""
        self.open[door - 1] = is_open
        self._note(2, True, door, 1, 8 if is_open else 9, LEAF_OPEN if is_open else LEAF_CLOSED, False)

    def button(self, door: int) -> None:
        """The exit button."""
        self._unlock(door)
        self._note(2, True, door, 1, 1, BUTTON, False)

    def wipe(self) -> None:
        """All events are gone, and their numbers begin anew."""
        self.events.clear()
        self._read_index = 0

    def unlocked(self, door: int) -> bool:
        """Whether the lock is released now."""
        return self.doors[door][0] == 1 or time.monotonic() < self.unlocked_until[door - 1]

    # What it does

    def _decide(self, card: int, door: int) -> int:
        """By its own list: the reason that an event gives."""
        kept = self.cards.get(card)
        if kept is None:
            return NO_PASS
        today = bcd(self._now().strftime("%Y%m%d"))
        if kept[:8].strip(b"\0") and not kept[:4] <= today <= kept[4:8]:
            return NO_PASS
        right = kept[8 + door - 1]
        if right > 1:
            return SWIPE_OK if self._profiled(right, today) else OUTSIDE
        return SWIPE_OK if right else NO_PRIVILEGE

    def _profiled(self, number: int, today: bytes) -> bool:
        """Whether a time profile, or one that it leads to, is open now."""
        now, seen = self._now(), set()
        while (profile := self.profiles.get(number)) is not None and number not in seen:
            seen.add(number)
            clock, times = bcd(now.strftime("%H%M")), profile[15:27]
            within = any(times[at : at + 2] <= clock < times[at + 2 : at + 4] for at in range(0, 12, 4))
            if profile[:4] <= today <= profile[4:8] and profile[8 + now.weekday()] and within:
                return True
            number = profile[27]
        return False

    def _unlock(self, door: int) -> None:
        self.unlocked_until[door - 1] = time.monotonic() + self.doors[door][1]

    def _now(self) -> datetime:
        return datetime.fromtimestamp(time.time() + self._clock_off_s, UTC)

    def _note(self, kind: int, granted: bool, door: int, way: int, card: int, reason: int, unheard: bool) -> None:
        """Keep an event, and send it unless it gets lost."""
        index = len(self.events) + 1
        stamp = bcd(self._now().strftime("%Y%m%d%H%M%S"))
        self.events.append(struct.pack("<IBBBBI", index, kind, granted, door, way, card) + stamp + bytes([reason]))
        self._diary.write("event", index=index, reason=reason, card=card, door=door)
        if self._listener and not unheard and not self.muted:
            packet = self._packet(EVENT, self.events[-1] + self._state())
            self._socket.sendto(packet, self._listener)

    def _state(self) -> bytes:
        """Bytes 28 to 53 of a status or an event."""
        now = self._now()
        relays = sum(self.unlocked(door) << door - 1 for door in self.doors)
        return (
            bytes(self.open) + bytes(self.pressed) + b"\0" + bcd(now.strftime("%H%M%S")) + bytes(4 + 4)
            + bytes([0, relays, 0]) + bcd(now.strftime("%y%m%d"))
        )  # fmt: skip

    def _packet(self, function: int, body: bytes) -> bytes:
        return (bytes([0x17, function, 0, 0]) + self.serial.to_bytes(4, "little") + body).ljust(64, b"\0")

    def _serve(self) -> None:
        while True:
            data, sender = self._socket.recvfrom(1024)
            serial = int.from_bytes(data[4:8], "little")
            if self.muted or len(data) != 64 or data[0] != 0x17 or serial not in (0, self.serial):
                continue
            self._heard = time.monotonic()
            body = self._answer(data[1], data[8:])
            self._diary.write("asked", function=data[1])
            if body is not None:
                self._socket.sendto(self._packet(data[1], body), sender)

    def _answer(self, function: int, asked: bytes) -> bytes | None:
        word = int.from_bytes(asked[:4], "little")
        match function:
            case 0x94:
                return bytes([127, 0, 0, 1, 255, 255, 255, 0, 127, 0, 0, 1]) + bytes.fromhex("001223344556089220181105")
            case 0x20:
                return (self.events[-1] if self.events else bytes(20)) + self._state()
            case 0x32:
                return bcd(self._now().strftime("%Y%m%d%H%M%S"))
            case 0x30:
                told = datetime.strptime(asked[:7].hex(), "%Y%m%d%H%M%S").replace(tzinfo=UTC)
                self._clock_off_s = told.timestamp() - time.time()
                return asked[:7]
            case 0x90:
                self._listener = (socket.inet_ntoa(asked[:4]), int.from_bytes(asked[4:6], "little"))
            case 0xA0:
                self._pc_control = asked[4] == 1
            case 0x8E:
                pass  # record special events
            case 0x40:
                return self._open_door(asked[0])
            case 0x80:
                self.doors[asked[0]] = [asked[1], asked[2]]
                return asked[:3]
            case 0x82:
                return bytes([asked[0], *self.doors[asked[0]]])
            case 0xB0:
                return self._stored(word)
            case 0xB2:
                self._read_index = word
            case 0xB4:
                return struct.pack("<I", self._read_index)
            case _:
                return self._card(function, word, asked)
        return b"\x01"

    def _open_door(self, door: int) -> bytes:
        if self.doors[door][0] == 2:
            return b"\0"
        self._unlock(door)
        self._diary.write("opened", door=door, delay_s=self.doors[door][1])
        return b"\x01"

    def _stored(self, index: int) -> bytes:
        return self.events[index - 1] if 0 < index <= len(self.events) else bytes(20)

    def _card(self, function: int, word: int, asked: bytes) -> bytes | None:
        match function:
            case 0x58:
                return struct.pack("<I", len(self.cards))
            case 0x5C:
                number = sorted(self.cards)[word - 1] if 0 < word <= len(self.cards) else 0
                return struct.pack("<I", number) + self.cards.get(number, bytes(12))
            case 0x50:
                self.cards[word] = asked[4:16]
                return b"\x01"
            case 0x88:
                self.profiles[asked[0]] = asked[1:29]
                return b"\x01"
            case 0x98:
                return asked[:1] + self.profiles[asked[0]] if asked[0] in self.profiles else b"\0"
            case 0x8A:
                self.profiles.clear()
                return b"\x01"
            case 0x52:
                return bytes([self.cards.pop(word, None) is not None])
        return None


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(description="a UHPPOTE board")
    parser.add_argument("--serial", type=int, required=True)
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=60000)
    parser.add_argument("--silence-s", type=float, default=30.0)
    arguments = parser.parse_args()
    diary = Diary()
    board = Board(arguments.serial, arguments.address, arguments.port, diary, arguments.silence_s)

    def swipe(request: dict[str, Any]) -> dict[str, Any]:
        where = request.get("door", 1), request.get("direction", 1)
        return {"opened": board.swipe(request["card"], *where, unheard=bool(request.get("unheard")))}

    def mute(request: dict[str, Any]) -> None:
        board.muted = bool(request["on"])

    def state(_: dict[str, Any]) -> dict[str, Any]:
        return {"unlocked": [board.unlocked(door) for door in board.doors], "cards": sorted(board.cards)}

    handlers = {
        "swipe": swipe, "mute": mute, "state": state, "wipe": lambda _: board.wipe(),
        "button": lambda request: board.button(request["door"]),
        "leaf": lambda request: board.leaf(request["door"], bool(request["open"])),
    }  # fmt: skip
    serve_device(handlers, diary)


if __name__ == "__main__":
    main()
