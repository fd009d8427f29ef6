"""The OSDP control panel for one RS-485 line, sans-IO: bytes and times in, bytes and events out.

One turn at a time: a frame goes out, its answer comes back or does not. The next frame goes as soon as the wire can
carry it, commands before polls, each device in its order. The wire's speed is computed from the baud rate, so that a
line which hands bytes over at once (a pseudo-terminal, a USB adapter's buffer) is not driven faster than it is.
"""

import math
import os
import time
from collections import deque
from collections.abc import Callable, Sequence

from controllers.driver import CardRead, DeviceEvent, KeyRead, Outcome, Result, Seen, Sink, TextRead
from controllers.errors import BadSetup
from controllers.osdp_command import OsdpCommand
from controllers.osdp_device import OsdpDevice, OsdpReader
from controllers.osdp_frame import Decoder, Frame, frame_bytes
from controllers.osdp_limits import Limits
from controllers.osdp_turn import Phase

__all__ = ["OsdpBus", "OsdpReader"]

CHAR_BITS = 10  # 8N1
IDLE_CHARS = 2  # between frames (SIA OSDP v2.2 clause 5.7)
MAX_ADDRESS = 126
MARK = b"\xff"  # a line at rest, sent: what devices skip before a frame (SIA OSDP v2.2 clause 5.7)


class OsdpBus:
    """All devices on one line. Not thread-safe: one thread owns it. Times are monotonic seconds."""

    def __init__(
        self,
        baud: int,
        readers: Sequence[OsdpReader],
        emit: Sink,
        limits: Limits | None = None,
        wall: Callable[[], float] = time.time,
        random: Callable[[int], bytes] = os.urandom,
    ) -> None:
        _check(readers)
        self._limits = limits or Limits()
        self._char_s = CHAR_BITS / baud
        self._decision_s = max(self._limits.decision_s, self._limits.decision_chars * self._char_s)
        self._wall, self._emit = wall, emit
        self._devices = {reader.name: OsdpDevice(reader, self._tell, self._limits, wall, random) for reader in readers}
        self._order = deque(self._devices.values())  # whoever waited longest for a poll stands first
        self._queued: list[OsdpDevice] = []  # those that commands wait for
        self._decoder = Decoder(self._limits.reply_bytes)
        self._current: OsdpDevice | None = None  # whose turn it is
        self._probing = self._slow_turn = False
        self._began_at = 0.0
        self._turn_bytes = 0  # both ways
        self._heard = 0  # of them, ours to hear
        self._silent_at = 0.0  # when the current turn is given up
        self._free_at = 0.0  # when the next frame may start
        self._sent_at = 0.0  # when the current frame's last bit is out
        self._probe_at = 0.0  # when a dead device may have a slot while others are alive
        self._slow_at = 0.0  # when a slow device may be polled while others are swift
        self._hopes = 0  # so many unrationed questions to dead devices may fail: one has just come back, and who else?
        self._hope_at = 0.0  # not before
        self._listen_at = 0.0  # when a dead device may be listened to for the standard's whole time
        self._decide_until = 0.0  # polls wait: a read is being decided
        self._rest_until = 0.0  # polls wait: nobody is there
        self._busy_at = 0.0  # the last read or command
        self._quiet_turns = 0

    def device(self, name: str) -> OsdpDevice:
        """One device's state."""
        return self._devices[name]

    def submit(self, command: OsdpCommand, now: float) -> None:
        """Take a command; it goes out in the next slot, or ends as expired."""
        self._busy_at = now
        device = self._devices.get(command.device)
        if device is None:
            seen = Seen(now, self._wall(), 0)
            self._emit(Outcome(command.command_id, command.device, Result.REFUSED, "no such device", seen))
        else:
            device.submit(command, now)
            if device not in self._queued:
                self._queued.append(device)

    def open_installation(self, name: str, until: float) -> None:
        """A blank device of this name may be given our key until then; a time that has passed closes the window."""
        self._devices[name].keys.open_window(until)

    def installing(self, now: float) -> bool:
        """Whether a window is open: what is said then is for nobody else's ears."""
        return any(device.keys.installing(now) or device.phase is Phase.INSTALL for device in self._devices.values())

    def receive(self, data: bytes, now: float) -> None:
        """Bytes from the line."""
        if self._current:
            self._current.counters.noise_bytes += len(data)
            if self._heard == 0:
                self._current.hesitated(now - len(data) * self._char_s - self._sent_at, len(data))
        self._turn_bytes += len(data)
        self._heard += len(data)
        for frame in self._decoder.feed(data):
            self._take(frame, now)
        if self._current and self._decoder.pending:
            longest = self._began_at + self._limits.reply_s + self._limits.reply_bytes * self._char_s
            self._silent_at = min(max(self._silent_at, now + self._limits.gap_s), longest)

    def next_send(self, now: float) -> bytes | None:
        """The frame to send now, if the wire is free and anything is to be said."""
        if self._current and now >= self._silent_at:
            self._give_up(self._current, now)
        if self._queued:
            for waiting in self._queued:
                waiting.expire(now)
            self._queued = [device for device in self._queued if device.jobs]
        gap_s = self._free_at - now
        if self._current or gap_s > self._limits.mark_s:
            return None
        while (device := self._pick(now)) is not None:
            marks = MARK * math.ceil(gap_s / self._char_s)
            frame = device.next_frame(now + len(marks) * self._char_s, self._char_s)
            if frame is not None:
                self._start(device, marks + frame, now)
                return marks + frame
        return None

    def deadline(self, now: float) -> float:
        """When `next_send` has something to do, if no byte and no command comes before."""
        expiry = wanted = math.inf
        if self._queued:
            expiry = min(device.next_expiry for device in self._queued)
            wanted = min((self._command_at(device) for device in self._urgent()), default=math.inf)
        if self._current:
            return min(self._silent_at, expiry)
        for device in self._order:
            if wanted <= self._free_at:
                break
            wanted = min(wanted, self._wanted_at(device))
        return min(max(self._free_at - self._limits.mark_s, wanted), expiry)

    def close(self, reason: str, now: float) -> None:
        """The line is gone: what was in flight is unknown, what waited has expired."""
        self._current = None
        self._decoder.clear()
        self._free_at = 0.0
        for device in self._devices.values():
            device.lose(reason, now)
            device.jobs.clear(reason, now)

    # Inside

    def _take(self, frame: Frame, now: float) -> None:
        device = self._current
        if device is None or not frame.reply or frame.address != device.address:
            self._overheard(frame)
            return
        was_dead = device.dead
        if device.take(frame, now):
            if was_dead and device.greeting and not device.refused:
                self._hope(now)
            device.counters.noise_bytes -= min(frame_bytes(frame), device.counters.noise_bytes)
            device.counters.answered += 1
            self._end_turn(now)
            if device.greeting:  # it goes on at once: two turns, and it is back
                self._order.remove(device)
                self._order.appendleft(device)

    def _overheard(self, frame: Frame) -> None:
        """An echo, a stranger; or a dead device's late answer: it is listened to in full next time."""
        for device in self._order:
            if frame.reply and device.address == frame.address and device.dead:
                device.listened_at = self._listen_at = 0.0

    def _start(self, device: OsdpDevice, frame: bytes, now: float) -> None:
        self._decoder.clear()
        self._order.remove(device)
        self._order.append(device)
        self._current, self._began_at, self._turn_bytes, self._heard = device, now, len(frame), 0
        self._sent_at = now + len(frame) * self._char_s
        self._slow_turn = device.slow and not device.commanded
        dead = device.dead
        self._probing = dead and any(other.online for other in self._devices.values())
        self._silent_at = self._sent_at + (self._probe_s(device, now) if dead else self._limits.reply_s)

    def _probe_s(self, device: OsdpDevice, now: float) -> float:
        """How long a dead device is listened to: as it used to answer, or now and then in full, each in its turn."""
        limits = self._limits
        longest_ago = min(other.listened_at for other in self._order if other.dead)
        if now >= self._listen_at and device.listened_at == longest_ago:
            self._listen_at = now + limits.reply_s / (limits.listen_share if self._probing else limits.alone_share)
            device.listened_at = now
            return limits.reply_s
        usual_s = max(limits.probe_s, 2 * device.usual_s) if device.counters.answered else limits.stranger_s
        return min(usual_s + device.usual_chars * self._char_s, limits.reply_s)

    def _give_up(self, device: OsdpDevice, now: float) -> None:
        device.counters.silent += 1
        if device.dead:
            self._hopes = max(self._hopes - 1, 0)
        device.silence(now)
        if device.dead and not self._probing:
            device.ready_at = min(device.ready_at, now + self._limits.alone_s)
        elif now >= self._rest_until:
            pause_s = (now - self._began_at) / self._limits.probe_share
            self._probe_at = now + min(pause_s, self._limits.probe_pause_s)
        self._end_turn(now)

    def _end_turn(self, now: float) -> None:
        idle_s = IDLE_CHARS * self._char_s
        self._free_at = max(self._began_at + self._turn_bytes * self._char_s, now) + idle_s
        device, self._current = self._current, None
        online = device is not None and device.online
        if self._slow_turn:
            share_s = (self._free_at - self._began_at) / self._limits.slow_share
            longest_s = self._limits.slow_pause_s / max(sum(each.slow for each in self._order if each.online), 1)
            self._slow_at = self._began_at + min(share_s, longest_s)
        quiet = now - self._busy_at > self._limits.quiet_s
        self._quiet_turns = self._quiet_turns + online if quiet else 0
        if self._quiet_turns >= self._limits.quiet_turns:
            self._quiet_turns, self._rest_until = 0, now + self._limits.rest_s
            self._probe_at = now  # while the others rest, dead devices take nothing from them

    def _urgent(self) -> list[OsdpDevice]:
        """The devices whose next frame carries a command, locks first."""
        return sorted((device for device in self._queued if device.rank < 2), key=lambda device: device.rank)

    def _command_at(self, device: OsdpDevice) -> float:
        """From when on its command may go: light and sound wait for the decision of a read, locks do not."""
        return device.ready_at if device.rank == 0 else max(device.ready_at, self._decide_until)

    def _pick(self, now: float) -> OsdpDevice | None:
        """Of the devices that want a slot: commands first, then whoever waited longest."""
        for device in self._urgent() if self._queued else ():
            if self._command_at(device) <= now:
                return device
        return next((device for device in self._order if self._wanted_at(device) <= now), None)

    def _wanted_at(self, device: OsdpDevice) -> float:
        """From when on this device may have a slot that carries no command."""
        at = max(device.ready_at, self._decide_until)
        if device.slow and device.patient and self._swift:
            at = max(at, self._slow_at)
        if device.online:
            return max(at, self._rest_until)
        if not device.dead:
            return at
        if self._hopes and not device.refused:
            return self._decide_until
        return max(at, self._probe_at)

    @property
    def _swift(self) -> bool:
        """Whether at least half of those on line are not slow: a bus of slow devices is as slow as it is."""
        online = [device for device in self._order if device.online]
        return 2 * sum(device.slow for device in online) <= len(online)

    def _hope(self, now: float) -> None:
        """A dead device answers: when a cable is back, those behind it are too, and need not wait for their share."""
        if self._hopes:
            self._hopes += 1
        elif now >= self._hope_at:
            self._hopes, self._hope_at = self._limits.hopes, now + self._limits.hope_pause_s

    def _tell(self, event: DeviceEvent) -> None:
        if isinstance(event, CardRead | TextRead | KeyRead) and not event.seen.stale:
            self._busy_at, self._rest_until = event.seen.mono_s, 0.0
            self._decide_until = event.seen.mono_s + self._decision_s
        self._emit(event)


def _check(readers: Sequence[OsdpReader]) -> None:
    if not readers or any(not 0 <= reader.address <= MAX_ADDRESS for reader in readers):
        raise BadSetup(f"a bus needs readers at addresses 0 to {MAX_ADDRESS}")
    for what in ("name", "address"):
        if len({getattr(reader, what) for reader in readers}) != len(readers):
            raise BadSetup(f"two readers on one bus have the same {what}")
