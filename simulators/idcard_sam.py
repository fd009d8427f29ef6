"""A process: a resident ID-card reader with a SAM module (GA 467) on a pseudo-terminal, with made-up people.

    python -m simulators.idcard_sam --path run/idcard

Requests: place {number, name?, address?, birth?} (lay a card on it), lift, fault {status} (its answer to everything,
0 for none), raw {hex}, diary. A card is found once and not again until it was lifted.
"""

import argparse
import threading
from pathlib import Path
from typing import Any

from simulators.control import serve_device
from simulators.diary import Diary
from simulators.line import Line

PREAMBLE = bytes.fromhex("aaaaaa9669")
FIELDS = (("name", 30), ("sex", 2), ("nation", 4), ("birth", 16), ("address", 70), ("number", 36), ("authority", 30),
          ("from", 16), ("to", 16), ("spare", 36))  # fmt: skip # bytes of UCS-2 text, GA 467
PHOTO = bytes(range(256)) * 4


def text_of(person: dict[str, str]) -> bytes:
    """The 256 bytes of text on a card."""
    return b"".join(person.get(name, "").ljust(size // 2)[: size // 2].encode("utf-16-le") for name, size in FIELDS)


def frame(body: bytes) -> bytes:
    """An answer with its length and sum."""
    counted = (len(body) + 1).to_bytes(2, "big") + body
    total = 0
    for byte in counted:
        total ^= byte
    return PREAMBLE + counted + bytes([total])


class Module:
    """The reader: what lies on it, and how far the host has come with it."""

    def __init__(self, line: Line, diary: Diary) -> None:
        self._line = line
        self._diary = diary
        self._text = b""
        self._stage = 0  # 0 nothing, 1 a card not yet found, 2 found, 3 selected
        self._fault = 0
        self._input = b""

    def place(self, request: dict[str, Any]) -> None:
        """Lay a card on it."""
        number = request["number"]
        person = {"name": "张三", "sex": "1", "nation": "01", "birth": number[6:14], "address": "某市某路1号",
                  "authority": "某市公安局", "from": "20200101", "to": "长期"}  # fmt: skip
        self._text = text_of(person | {key: value for key, value in request.items() if key != "do"})
        self._stage = 1

    def lift(self, _: dict[str, Any]) -> None:
        """Take it away."""
        self._stage, self._text = 0, b""

    def fault(self, request: dict[str, Any]) -> None:
        """Break, or be well again."""
        self._fault = int(request["status"])

    def serve(self) -> None:
        """Answer for ever."""
        while True:
            self._input = (self._input + self._line.read(1.0))[-256:]
            start = self._input.find(PREAMBLE)
            if start < 0 or len(self._input) < start + 10:
                continue
            command, self._input = self._input[start : start + 10], self._input[start + 10 :]
            if frame(command[7:9]) == command:
                self._line.write(frame(self._answer(command[7:9])))

    def _answer(self, command: bytes) -> bytes:
        self._diary.write("asked", command=command.hex())
        if self._fault:
            return bytes([0, 0, self._fault])
        match command:
            case b"\x11\xff":
                return bytes([0, 0, 0x90])
            case b"\x20\x01" if self._stage == 1:
                self._stage = 2
                return bytes([0, 0, 0x9F]) + bytes(4)
            case b"\x20\x02" if self._stage == 2:
                self._stage = 3
                return bytes([0, 0, 0x90]) + bytes(8)
            case b"\x30\x01" if self._stage == 3:
                return bytes([0, 0, 0x90]) + bytes.fromhex("01000400") + self._text + PHOTO
        return bytes([0, 0, {0x20: 0x80, 0x30: 0x41}.get(command[0], 0x21) + (command == b"\x20\x02")])


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(description="a resident ID-card reader")
    parser.add_argument("--path", type=Path, required=True)
    diary, line = Diary(), Line(parser.parse_args().path)
    module = Module(line, diary)
    threading.Thread(target=module.serve, daemon=True).start()

    def raw(request: dict[str, Any]) -> None:
        line.write(bytes.fromhex(request["hex"]))

    serve_device({"place": module.place, "lift": module.lift, "fault": module.fault, "raw": raw}, diary)
    line.close()


if __name__ == "__main__":
    main()
