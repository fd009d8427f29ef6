"""Commands on their way to an OSDP device: the frames that each takes, and the queue that ends each exactly once."""

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from controllers.driver import FeedbackCommand, LockAction, LockCommand, Result
from controllers.errors import ProtocolViolation
from controllers.osdp_command import AddressCommand, FileCommand, KeyCommand, OsdpCommand, TextCommand
from controllers.osdp_file import FileTransfer, Follow, Step
from controllers.osdp_message import (
    MAX_SHOWN_CHARS,
    MAX_TIMER,
    SIGNALS,
    Code,
    Function,
    OutputCode,
    Reply,
    buzzer,
    communication,
    keyset,
    led,
    output,
    read_communication,
    text,
)  # fmt: skip

BAUDS = (9600, 19200, 38400, 57600, 115200, 230400)
MAX_ADDRESS = 126
MAX_BYTE = 255
Functions = dict[int, tuple[int, int]]  # PDCAP: function to (compliance, items); empty while unknown
PULSE_UNIT_MS = 100


@dataclass(slots=True)
class Job:
    """A command and what is left of it. `started` once any of it went out."""

    command: OsdpCommand
    steps: deque[Step] = field(default_factory=deque)
    started: bool = False
    refusal: str = ""
    file: FileTransfer | None = None

    @property
    def is_lock(self) -> bool:
        """Locks go before light and sound."""
        return isinstance(self.command, LockCommand)

    @property
    def deadline_s(self) -> float:
        """Monotonic time after which none of it is sent."""
        return self.command.deadline_mono_s


def plan(command: OsdpCommand, functions: Functions) -> tuple[list[Step], str]:
    """The frames that a command begins with, or none and the reason why the device cannot."""
    match command:
        case LockCommand():
            return _lock(command, functions)
        case FeedbackCommand():
            return _signal(command, functions)
        case KeyCommand():
            return [(Code.KEYSET, keyset(command.key))], ""
        case TextCommand():
            return _text(command, functions)
        case AddressCommand():
            return _address(command)
        case FileCommand():
            return [], ""  # the transfer brings its own


def _text(command: TextCommand, functions: Functions) -> tuple[list[Step], str]:
    if not functions.get(Function.TEXT, (0, 0))[0]:
        return [], "no display"
    numbers = (command.seconds, command.row, command.column)
    if not (command.text.isascii() and command.text.isprintable() and len(command.text) <= MAX_SHOWN_CHARS):
        return [], f"a text has {MAX_SHOWN_CHARS} printable ASCII characters at most"
    if not all(0 <= number <= MAX_BYTE for number in numbers):
        return [], "no such time or place"
    return [(Code.TEXT, text(command.text, *numbers))], ""


def _address(command: AddressCommand) -> tuple[list[Step], str]:
    if command.baud not in BAUDS or not 0 <= command.address <= MAX_ADDRESS:
        return [], "no such address or baud rate"
    return [(Code.COMSET, communication(command.address, command.baud))], ""


def _lock(command: LockCommand, functions: Functions) -> tuple[list[Step], str]:
    if functions and command.output >= functions.get(Function.OUTPUTS, (0, 0))[1]:
        return [], f"no output {command.output}"
    if command.action is LockAction.PULSE:
        tenths = -(-command.pulse_ms // PULSE_UNIT_MS)
        if tenths > MAX_TIMER:
            return [], f"a pulse lasts {MAX_TIMER * PULSE_UNIT_MS} ms at most; for longer, release and secure"
        return [(Code.OUT, output(command.output, OutputCode.TIMED_ON, tenths))], ""
    code = OutputCode.ON if command.action is LockAction.RELEASE else OutputCode.OFF
    return [(Code.OUT, output(command.output, code))], ""


def _signal(command: FeedbackCommand, functions: Functions) -> tuple[list[Step], str]:
    light, sound = SIGNALS[command.signal]
    steps: list[Step] = []
    if functions.get(Function.LED, (0, 0))[0]:
        steps.append((Code.LED, led(*light)))
    if functions.get(Function.SOUND, (0, 0))[0]:
        steps.append((Code.BUZ, buzzer(*sound)))
    return steps, "" if steps else "no light and no sound"


def _taken_otherwise(command: OsdpCommand, code: int, data: bytes) -> str:
    """A device answers COMSET with what it will use from now on, which may be something else."""
    if not isinstance(command, AddressCommand) or code != Reply.COM:
        return ""
    try:
        address, baud = read_communication(data)
    except ProtocolViolation as error:
        return str(error)
    if (address, baud) == (command.address, command.baud):
        return ""
    return f"the reader chose address {address} and {baud} baud"


class JobQueue:
    """The commands of one device, locks first. `end` is called once for each: with its result and a detail."""

    def __init__(self, end: Callable[[OsdpCommand, Result, str, float], None], limit: int) -> None:
        self._end = end
        self._limit = limit
        self._jobs: deque[Job] = deque()

    def __bool__(self) -> bool:
        return bool(self._jobs)

    @property
    def has_lock(self) -> bool:
        """Whether a lock command waits."""
        return any(job.is_lock for job in self._jobs)

    @property
    def changes_key(self) -> bool:
        """Whether a new key waits."""
        return any(isinstance(job.command, KeyCommand) for job in self._jobs)

    def next_expiry(self, in_flight: Job | None) -> float:
        """When the first command that waits runs out; infinity when none does."""
        return min((job.deadline_s for job in self._jobs if job is not in_flight), default=math.inf)

    def add(self, command: OsdpCommand, now: float) -> None:
        """Queue a command. A signal takes the place of one that still waits: people look at the last."""
        if isinstance(command, FeedbackCommand):
            waiting = [job for job in self._jobs if isinstance(job.command, FeedbackCommand) and not job.started]
            for job in waiting:
                self.finish(job, Result.EXPIRED, "a newer signal came", now)
        if len(self._jobs) >= self._limit:
            self._end(command, Result.EXPIRED, "queue full", now)
        else:
            self._jobs.append(Job(command))

    def expire(self, now: float, in_flight: Job | None) -> None:
        """Drop the commands whose deadline has passed, but for one in flight."""
        for job in [job for job in self._jobs if job.deadline_s <= now and job is not in_flight]:
            self.finish(job, Result.EXPIRED, "waited past its deadline", now)

    def clear(self, reason: str, now: float) -> None:
        """End all commands that wait."""
        for job in tuple(self._jobs):
            self.finish(job, Result.EXPIRED, reason, now)

    def candidates(self, functions: Functions, now: float, locks_only: bool = False) -> list[Job]:
        """The commands that the device can carry out, planned, locks first."""
        ready = []
        for job in sorted(self._jobs, key=lambda job: not job.is_lock):
            if locks_only and not job.is_lock:
                continue
            if not job.started:
                steps, job.refusal = plan(job.command, functions)
                job.steps = deque(steps)
                if isinstance(job.command, FileCommand):
                    low, high = functions.get(Function.BUFFER, (0, 0))
                    job.file = FileTransfer(job.command, low | high << 8)
                    job.steps.append(job.file.step())
            if not job.steps:
                self.finish(job, Result.REFUSED, job.refusal, now)
            else:
                ready.append(job)
        return ready

    def step_done(self, job: Job, refusal: str, code: int, data: bytes, now: float) -> Follow:
        """The device answered a step; `refusal` is empty when it agreed. Gives what a file's transfer asks for."""
        job.steps.popleft()
        job.refusal = job.refusal or refusal
        follow = job.file.follow(code, data) if job.file and not job.refusal else Follow(None)
        job.refusal = job.refusal or follow.refusal or _taken_otherwise(job.command, code, data)
        if follow.step:
            job.steps.append(follow.step)
        if not job.steps:
            self.finish(job, Result.REFUSED if job.refusal else Result.DONE, job.refusal, now)
        return follow

    def too_late(self, job: Job, now: float) -> None:
        """A step cannot reach the device in time any more."""
        shown = job.started and not job.refusal
        self.finish(job, Result.DONE if shown else Result.EXPIRED, "too late for all of it", now)

    def finish(self, job: Job, result: Result, detail: str, now: float) -> None:
        """End a command."""
        self._jobs.remove(job)
        self._end(job.command, result, detail, now)
