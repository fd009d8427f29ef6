"""A process of its own: a paced RS-485 line with libosdp's C peripherals on it (Apache-2.0, PyPI `libosdp`).

Usage: `python peripherals.py '{"baud": 9600, "pds": [{"address": 1, "scbk": hex or null}]}'`. It prints JSON lines, the
first one with the line's pseudo-terminal, then every command that a peripheral carries out; it takes JSON lines:
{"do": "card", "pd": 0, "bits": int, "count": int}, {"do": "cut"}, {"do": "join"}, and more below.
Apart from the tests because a starved peripheral answers late and is dropped.
"""

import ctypes
import json
import os
import random
import select
import sys
import time
import tty

import osdp

CAPABILITIES = [
    (osdp.Capability.CommunicationSecurity, 1, 1),
    (osdp.Capability.ContactStatusMonitoring, 1, 2),
    (osdp.Capability.OutputControl, 1, 2),
    (osdp.Capability.LEDControl, 1, 1),
    (osdp.Capability.AudibleControl, 1, 1),
    (osdp.Capability.TextOutput, 1, 1),
    (osdp.Capability.Readers, 1, 1),
]
SPOKEN = {
    osdp.Command.Output: "output",
    osdp.Command.LED: "led",
    osdp.Command.Buzzer: "buzzer",
    osdp.Command.Status: "status",
    osdp.Command.Keyset: "keyset",
    osdp.Command.Text: "text",
    osdp.Command.Comset: "comset",
}


def say(**line):
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


class Tap(osdp.Channel):
    """One peripheral's end of the line."""

    def __init__(self, line):
        super().__init__()
        self.id = 1
        self.line = line
        self.heard = b""
        self.cut = False
        self.late_s = 0.0  # how long it hesitates before it answers

    def read(self, max_bytes):
        data, self.heard = self.heard[:max_bytes], self.heard[max_bytes:]
        return data

    def write(self, buf):
        self.line.answer(self, bytes(buf))
        return len(buf)

    def flush(self):
        self.heard = b""


class Line:
    """The wire: a pseudo-terminal to the panel, paced by the baud rate."""

    def __init__(self, baud, paced, seed):
        self.master, self.slave = os.openpty()
        tty.setraw(self.slave)
        os.set_blocking(self.master, False)
        self.char_s = 10 / baud if paced else 0.0
        self.random = random.Random(seed)
        self.taps = []
        self.cut = False
        self.free_at = 0.0
        self.queue = []  # (when, to, bytes)
        self.recorded = None
        self.marks = None
        self.presenter = None

    def hear(self):
        """Bytes from the panel start their way to all peripherals."""
        try:
            data = os.read(self.master, 4096)
        except (BlockingIOError, OSError):
            return
        now = time.monotonic()
        if self.marks is not None:
            self.mark("command", data, now)
        if self.cut:
            return
        self._carry(data, now, self.taps)

    def answer(self, tap, data):
        """A peripheral's bytes start their way to the panel and the other peripherals."""
        if self.cut or tap.cut:
            return
        now = time.monotonic()
        if self.recorded is not None:
            self.recorded.append(data.hex())
        done = self._carry(data, now + tap.late_s, [other for other in self.taps if other is not tap])
        if self.marks is not None:
            self.mark("answer", data, done)
        self.queue.append((done, self.master, data))

    def _carry(self, data, now, ends):
        start = max(now, self.free_at)
        self.free_at = start + len(data) * self.char_s
        self.queue += [(self.free_at, end, data) for end in ends]
        return self.free_at

    def deliver(self):
        now = time.monotonic()
        due = [entry for entry in self.queue if entry[0] <= now]
        self.queue = [entry for entry in self.queue if entry[0] > now]
        for _, end, data in due:
            if end is self.master:
                os.write(self.master, data)
            else:
                end.heard += b"" if end.cut else data

    def mark(self, side, data, at):
        """Notes the last byte of a card read and of a channel's opening, and an output command's first byte."""
        data = data.lstrip(b"\xff")  # libosdp's panel marks a frame's start with 0xFF
        if len(data) < 8:
            return
        secured = data[4] & 8
        code = data[5 + data[5]] if secured else data[5]
        if (side, code) == ("answer", 0x50):
            self.marks.append(("read", data[1] & 0x7F, at))
        elif (side, code) == ("command", 0x68):
            self.marks.append(("command", data[1] & 0x7F, at))
        elif (side, code) == ("answer", 0x78):
            self.marks.append(("channel", data[1] & 0x7F, at))


class Presenter:
    """Holds cards to readers at random moments, a new one when a command has answered: no reader is asked too much."""

    LOST_S = 5.0

    def __init__(self, pds, line, seconds, at_once, pause):
        self.pds, self.line, self.at_once, self.pause = pds, line, at_once, pause
        self.end = time.monotonic() + seconds
        self.shown = {}  # address: when
        self.next_at = 0.0
        self.bits = 0
        self.counted = len(line.marks)
        self.lost = 0

    def turn(self):
        """Gives whether it goes on."""
        now = time.monotonic()
        for side, address, _ in self.line.marks[self.counted :]:
            if side == "command":
                self.shown.pop(address, None)
        self.counted = len(self.line.marks)
        for address in [address for address, at in self.shown.items() if now - at > self.LOST_S]:
            self.lost += 1
            del self.shown[address]
        free = [pd for pd in self.pds if pd.address not in self.shown]
        if now < self.end and now >= self.next_at and len(self.shown) < self.at_once and free:
            self.bits = self.bits % 999 + 1
            pd = self.line.random.choice(free)
            body = (7 << 16 | self.bits) << 1  # H10301: facility 7
            left, right = (body >> 13).bit_count() % 2, (body >> 1 & 0xFFF).bit_count() % 2 ^ 1
            pd.card(left << 25 | body | right, 26)
            self.shown[pd.address] = now
            self.next_at = now + self.line.random.random() * self.pause
        return now < self.end or self.shown


class Peripheral:
    """One libosdp peripheral."""

    def __init__(self, line, index, spec):
        self.index = index
        self.address = spec["address"]
        self.tap = Tap(line)
        self.tap.late_s = spec.get("late_s", 0.0)
        line.taps.append(self.tap)
        flags = [] if spec.get("plain") else [osdp.LibFlag.EnforceSecure]
        flags += [osdp.LibFlag.InstallMode] if spec.get("install") else []
        scbk = bytes.fromhex(spec["scbk"]) if spec.get("scbk") else None
        info = osdp.PDInfo(spec["address"], self.tap, scbk=scbk, flags=flags)
        capabilities = osdp.PDCapabilities(CAPABILITIES)
        self.pd = osdp.PeripheralDevice(info, capabilities, log_level=osdp.LogLevel.Emergency)
        self.ctx = self.pd.ctx
        self.ctx.set_command_callback(self.command)
        self.nak = False
        self.file = bytearray()
        steps = {"open": self.file_open, "read": self.file_read, "write": self.file_write, "close": self.file_close}
        self.ctx.register_file_ops(0, steps)

    def file_open(self, _file_id, size):
        self.file = bytearray(size)
        return size

    def file_read(self, _size, _offset):
        return b""

    def file_write(self, data, offset):
        self.file[offset : offset + len(data)] = data
        return len(data)

    def file_close(self, _file_id):
        say(file=self.file.hex())
        return 0

    def command(self, command):
        kind = SPOKEN.get(command["command"], command["command"])
        detail = {key: value for key, value in command.items() if isinstance(value, int) and key != "command"}
        say(pd=self.index, command=kind, at=time.monotonic(), **detail)
        # libosdp 3.2.9 drops a reference of this None at each call, and would abort after some thousands.
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(None))
        return (-1 if self.nak else 0), None

    def card(self, bits, count, **_):
        data = (bits << (-count % 8)).to_bytes((count + 7) // 8, "big")
        event = {"event": 1, "reader_no": 0, "direction": 0, "format": 1, "length": count, "data": data}
        return self.ctx.submit_event(event)

    def keys(self, text, **_):
        return self.ctx.submit_event({"event": 2, "reader_no": 0, "data": text.encode()})

    def inputs(self, levels, **_):
        return self.ctx.submit_event({"event": 4, "type": 0, "report": bytes(levels)})

    def tamper(self, levels, **_):
        return self.ctx.submit_event({"event": 4, "type": 2, "report": bytes(levels)})

    def refuse(self, on, **_):
        self.nak = on


def main():
    spec = json.loads(sys.argv[1])
    line = Line(spec.get("baud", 115200), spec.get("paced", True), spec.get("seed", 1))
    pds = [Peripheral(line, index, pd) for index, pd in enumerate(spec["pds"])]
    say(port=os.ttyname(line.slave))
    pending = b""
    while True:
        soonest = min((entry[0] for entry in line.queue), default=float("inf"))
        wait = min(max(soonest - time.monotonic(), 0), 0.002)
        readable = select.select([line.master, 0], [], [], wait)[0]
        if line.master in readable:
            line.hear()
        line.deliver()
        for pd in pds:
            pd.ctx.refresh()
        if line.presenter and not line.presenter.turn():
            say(marked=line.marks, lost=line.presenter.lost)
            line.presenter = line.marks = None
        if 0 in readable:
            data = os.read(0, 65536)
            if not data:
                return
            *whole, pending = (pending + data).split(b"\n")
            for text in whole:
                obey(line, pds, json.loads(text))


def obey(line, pds, order):
    match order.pop("do"):
        case "cut":
            line.cut = True
            line.queue.clear()
        case "join":
            line.cut = False
        case "part":  # some readers' cables
            for pd in pds:
                pd.tap.cut = pd.index in order["pds"]
        case "record":
            line.recorded = []
        case "recorded":
            say(recorded=line.recorded)
        case "mark":
            line.marks = []
        case "present":
            line.marks = []
            line.presenter = Presenter(pds, line, **order)
        case "marked":
            say(marked=line.marks)
            line.marks = []
        case "status":
            say(secure=[bool(pd.ctx.is_sc_active()) for pd in pds])
        case "ping":
            say(pong=True)
        case verb:
            getattr(pds[order.pop("pd")], verb)(**order)


if __name__ == "__main__":
    main()
