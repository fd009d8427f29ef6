"""A process: serial card and code readers of several makes, each on a pseudo-terminal of its own.

    python -m simulators.serial_readers --reader lobby=stx_etx:run/lobby --reader gate=vguang:run/gate

Makes: hex_cr, dec10_crlf, stx_etx, poll_aa, vguang. Requests: present {reader, hex} (the card's number), show {reader,
text} (vguang), raw {reader, hex} (noise on the wire), mute {reader, on} (it stops answering), state {reader}, diary.
A poll_aa reader answers at address 1 and keeps one card until it is asked.
"""

import argparse
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from simulators.control import serve_device
from simulators.diary import Diary
from simulators.line import Line

POLL = bytes.fromhex("aaaa0100d2")


def xor(data: bytes) -> int:
    """The sum that these makers use."""
    total = 0
    for byte in data:
        total ^= byte
    return total


def hex_cr(number: bytes) -> bytes:
    """Six hex digits and CR."""
    return number[-3:].hex().upper().encode() + b"\r"


def dec10_crlf(number: bytes) -> bytes:
    """Ten decimal digits, CR LF."""
    return b"%010d\r\n" % int.from_bytes(number, "big")


def stx_etx(number: bytes) -> bytes:
    """STX, five bytes and their sum in hex, ETX."""
    five = number[-5:].rjust(5, b"\0")
    return b"\x02" + (five + bytes([xor(five)])).hex().upper().encode() + b"\x03"


TALKERS: dict[str, Callable[[bytes], bytes]] = {"hex_cr": hex_cr, "dec10_crlf": dec10_crlf, "stx_etx": stx_etx}


class Reader:
    """One reader. Those that are asked have a thread that answers."""

    def __init__(self, make: str, path: Path, diary: Diary, name: str) -> None:
        if make not in (*TALKERS, "poll_aa", "vguang"):
            raise ValueError(f"no such make: {make}")
        self.make = make
        self.line = Line(path)
        self.muted = False
        self.released = False
        self.card = b""
        self._diary = diary
        self._name = name
        self._input = b""
        self._plugged = True
        self._thread = threading.Thread(target=self._answer, daemon=True)
        if make not in TALKERS:
            self._thread.start()

    def present(self, number: bytes) -> None:
        """Hold a card there."""
        if self.make == "poll_aa":
            self.card = number[-5:].rjust(5, b"\0")
        else:
            self.line.write(TALKERS[self.make](number))

    def show(self, text: str) -> None:
        """Hold a code there; a vguang reader pushes what it reads."""
        self.line.write(self._reply(0x30, text.encode()))

    def unplug(self) -> None:
        """Pull the cable."""
        self._plugged = False
        if self._thread.is_alive():
            self._thread.join()
        self.line.close()

    def _answer(self) -> None:
        while self._plugged:
            self._input = (self._input + self.line.read(0.2))[-512:]
            if self.make == "poll_aa":
                self._polled()
            else:
                while self._commanded():
                    pass

    def _polled(self) -> None:
        if POLL in self._input:
            self._input = b""
            if self.card and not self.muted:
                self.line.write(b"\x69\xd2" + self.card + bytes([xor(self.card)]))
                self.card = b""

    def _commanded(self) -> bool:
        start = self._input.find(b"\x55\xaa")
        if start < 0 or len(self._input) < start + 6:
            return False
        end = start + 6 + int.from_bytes(self._input[start + 3 : start + 5], "little")
        frame, rest = self._input[start:end], self._input[end:]
        if len(self._input) < end:
            return False
        self._input = rest
        if xor(frame) == 0 and not self.muted:
            self._obey(frame[2], frame[5:-1])
        return True

    def _obey(self, command: int, data: bytes) -> None:
        if command == 0x2A:
            self.released = data[:1] == b"\x01"
        if command in (0x04, 0x2A):
            self._diary.write("command", device=self._name, command=command, data=data.hex())
        answer = {0x01: b"\x55\xaa", 0x09: b"\x00"}.get(command, b"")
        self.line.write(self._reply(command, answer))

    def _reply(self, command: int, data: bytes, status: int = 0) -> bytes:
        frame = b"\x55\xaa" + bytes([command, status]) + len(data).to_bytes(2, "little") + data
        return frame + bytes([xor(frame)])


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(description="serial card and code readers")
    parser.add_argument("--reader", action="append", required=True, help="name=make:path")
    diary = Diary()
    readers: dict[str, Reader] = {}
    for item in parser.parse_args().reader:
        name, _, place = item.partition("=")
        make, _, path = place.partition(":")
        readers[name] = Reader(make, Path(path), diary, name)

    def present(request: dict[str, Any]) -> None:
        readers[request["reader"]].present(bytes.fromhex(request["hex"]))

    def show(request: dict[str, Any]) -> None:
        readers[request["reader"]].show(request["text"])

    def raw(request: dict[str, Any]) -> None:
        readers[request["reader"]].line.write(bytes.fromhex(request["hex"]))

    def mute(request: dict[str, Any]) -> None:
        readers[request["reader"]].muted = bool(request["on"])

    def state(request: dict[str, Any]) -> dict[str, Any]:
        reader = readers[request["reader"]]
        return {"released": reader.released, "card_waits": bool(reader.card)}

    handlers = {"present": present, "show": show, "raw": raw, "mute": mute, "state": state}
    serve_device(handlers, diary, threading.Event())
    for reader in readers.values():
        reader.unplug()


if __name__ == "__main__":
    main()
