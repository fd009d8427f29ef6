"""One OSDP reader with a strike, a button and a fire loop: libosdp's C peripheral device behind a plain Python face.

libosdp 3.2.9 notes: its Python layer answers no input or output status query (a NAK goes out), so the inputs are
reported by poll when one moves and whenever the secure channel comes up; and its command callback drops one reference
of the second item it returns, which is given back by hand.
"""

import ctypes
from collections import deque
from typing import Any

import osdp

from simulators.diary import Diary
from simulators.strike import Strike
from simulators.wiegand import Bits, left_aligned

COLOURS = ("off", "red", "green", "amber", "blue", "magenta", "cyan", "white")
OUTPUT_OFF, OUTPUT_ON = (1, 3), (2, 4)  # osdp_OUT control codes: permanent, permanent after a running timer
OUTPUT_TIMED = 5
_ANSWER = (0, None)  # one tuple for ever: the callback's caller never lets go of it

CAPABILITIES = osdp.PDCapabilities(
    [
        (osdp.Capability.ContactStatusMonitoring, 1, 3),
        (osdp.Capability.OutputControl, 4, 1),
        (osdp.Capability.CardDataFormat, 1, 0),
        (osdp.Capability.LEDControl, 2, 1),
        (osdp.Capability.AudibleControl, 2, 1),
        (osdp.Capability.CheckCharacter, 1, 0),
        (osdp.Capability.CommunicationSecurity, 1, 1),
        (osdp.Capability.Readers, 0, 1),
    ]
)


class Wire(osdp.Channel):  # type: ignore[misc]  # libosdp is untyped
    """A device's line driver on the shared bus: what it hears, what it says."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.id = number
        self.heard = bytearray()
        self.said = bytearray()

    def read(self, max_bytes: int) -> bytes:
        """Bytes from the bus."""
        data = bytes(self.heard[:max_bytes])
        del self.heard[:max_bytes]
        return data

    def write(self, buf: bytes) -> int:
        """Bytes to the bus."""
        self.said += buf
        return len(buf)

    def flush(self) -> None:
        """Forget what was heard."""
        self.heard.clear()


class Reader:
    """A reader at an address of the bus. `step` must run in one thread; the rest is safe from any."""

    def __init__(self, name: str, address: int, key: bytes, diary: Diary) -> None:
        self.name = name
        self.wire = Wire(address + 1)
        self.cut = False
        self.pressed = False  # the request-to-exit button
        self.whole = True  # the supervised loop from the fire panel
        self.strike = Strike(name, diary, self._report_inputs)
        self._diary = diary
        self._pending: deque[dict[str, Any]] = deque(maxlen=64)
        self._secure = False
        info = osdp.PDInfo(address, self.wire, scbk=key, name=name, flags=[osdp.LibFlag.EnforceSecure])
        self._device = osdp.PeripheralDevice(info, CAPABILITIES, osdp.LogLevel.Critical)
        self._device.ctx.set_command_callback(self._command)

    def step(self) -> None:
        """Let the device hear, think and answer once."""
        self._device.ctx.refresh()
        secure = bool(self._device.is_sc_active())
        if secure != self._secure:
            self._secure = secure
            self._diary.write("secure_channel", device=self.name, up=secure)
            if secure:
                self._report_inputs()
        while secure and self._pending:
            self._device.ctx.submit_event(self._pending.popleft())

    def present(self, bits: Bits) -> None:
        """Hold a card at the reader; a reader without its channel shows nothing and forgets it."""
        if not self._secure:
            self._diary.write("lost_read", device=self.name)
            return
        card = {"reader_no": 0, "direction": 0, "format": osdp.CardFormat.Wiegand}
        self._pending.append(
            {"event": osdp.Event.CardRead, **card, "length": bits[1], "data": left_aligned(bits)},
        )

    def press(self, pressed: bool) -> None:
        """Press or let go of the button."""
        self.pressed = pressed
        self._diary.write("button", device=self.name, pressed=pressed)
        self._report_inputs()

    def fire(self, whole: bool) -> None:
        """Open the fire panel's loop, or close it."""
        self.whole = whole
        self._diary.write("fire_loop", device=self.name, whole=whole)
        self._report_inputs()

    def state(self) -> dict[str, Any]:
        """What a person standing there sees."""
        return {"secure": self._secure, "released": self.strike.released, "open": self.strike.open, "cut": self.cut}

    def _report_inputs(self) -> None:
        report = bytes([int(level) for level in (self.strike.open, self.pressed, self.whole)])
        self._pending.append({"event": osdp.Event.Status, "type": osdp.StatusReportType.Input, "report": report})

    def _command(self, command: dict[str, Any]) -> tuple[int, None]:
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(None))
        kind = command["command"]
        if kind == osdp.Command.Output:
            self._output(command["control_code"], command["timer_count"])
        elif kind == osdp.Command.LED:
            colours = {"colour": COLOURS[command["on_color"] % 8], "temporary": bool(command["temporary"])}
            self._diary.write("led", device=self.name, **colours)
        elif kind == osdp.Command.Buzzer:
            self._diary.write("buzzer", device=self.name, beeps=command["rep_count"], code=command["control_code"])
        return _ANSWER

    def _output(self, code: int, tenths: int) -> None:
        if code == OUTPUT_TIMED:
            self.strike.release(tenths / 10)
        elif code in OUTPUT_ON:
            self.strike.release(None)
        elif code in OUTPUT_OFF:
            self.strike.secure()
