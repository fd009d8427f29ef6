"""One OSDP device as the panel sees it: offline, hello, challenge, crypt, online. Sans-IO.

The bus gives the device a slot (`next_frame`), then tells it what came back (`take`) or that nothing did (`silence`).
Nothing that a device says before its secure channel is open counts for more than being alive, and nothing without a
right MAC counts after. A frame is repeated with its own sequence number; when it cannot be, the session starts anew,
so that the device never hears it later.
"""

from collections import deque
from collections.abc import Callable

from controllers.driver import Result, Sink
from controllers.osdp_command import KeyCommand, OsdpCommand
from controllers.osdp_frame import Frame, encode
from controllers.osdp_job import Job, JobQueue
from controllers.osdp_keys import Greeting, Opened
from controllers.osdp_limits import Limits
from controllers.osdp_message import Code, Nak, Reply, keyset, nak_words, read_nak
from controllers.osdp_quality import Counters
from controllers.osdp_report import Report
from controllers.osdp_secure import DefaultKeyOffered, SecureChannel, SessionBroken
from controllers.osdp_turn import NEEDS, QUESTIONS, REFRESH, SESSION_GONE, SURVEY, OsdpReader, Phase, Turn

__all__ = ["OsdpDevice", "OsdpReader"]

HELLO_CHARS = 10  # the answer to a hello: an adapter may hand it over only whole
RISE, FALL = 0.5, 0.05  # of the way to a later, an earlier answer: one starved moment is soon forgotten


class OsdpDevice:
    """The session with one device, and its queue of commands."""

    def __init__(
        self,
        reader: OsdpReader,
        emit: Sink,
        limits: Limits,
        wall: Callable[[], float],
        random: Callable[[int], bytes],
    ) -> None:
        self.name, self.address = reader.name, reader.address
        self.phase = Phase.OFFLINE
        self.ready_at = 0.0  # no slot is wanted before
        self.failures = 0
        self.usual_s = 0.0  # from our last bit to its first byte: rises at once, falls slowly
        self.usual_chars = float(HELLO_CHARS)  # so much of an answer its port hands over first, as far as it is told
        self.listened_at = 0.0  # when it was last listened to in full while dead
        self.counters = Counters()
        self._slow_answers = 0  # in a row
        self.refused = False  # the last greeting came to nothing although it answered
        self.report = Report(reader.name, emit, wall)
        self.jobs = JobQueue(self.report.ended, limits.queued_commands)
        self.keys = Greeting(reader.name, reader.keys, random)
        self._limits = limits
        self._turn: Turn | None = None
        self._sequence = 0
        self._channel: SecureChannel | None = None
        self._survey: deque[Code] = deque()
        self._unknown: set[int] = set()  # questions that it does not know
        self._poll_next = True  # light, sound and questions never follow each other without a poll between
        self._online_at = self._refresh_at = 0.0

    @property
    def online(self) -> bool:
        """Whether a secure channel is open."""
        return self.phase is Phase.ONLINE

    @property
    def dead(self) -> bool:
        """Whether it has not answered yet, so that its slots are rationed."""
        return self.phase in (Phase.OFFLINE, Phase.HELLO)

    @property
    def greeting(self) -> bool:
        """Whether it answered and its channel is being opened."""
        return self.phase in (Phase.CHALLENGE, Phase.CRYPT, Phase.INSTALL)

    @property
    def slow(self) -> bool:
        """Whether it keeps the line waiting before it answers."""
        return self._slow_answers >= self._limits.slow_answers

    @property
    def commanded(self) -> bool:
        """Whether the frame that has no answer yet is a command's."""
        return self._turn is not None and self._turn.job is not None

    @property
    def patient(self) -> bool:
        """Whether its next poll or question may wait: nothing is to be repeated, and it has said what it can do."""
        return self.online and self._turn is None and not self._asks

    @property
    def rank(self) -> int:
        """What its next slot would carry: 0 a lock command, 1 light or sound, 2 anything else."""
        if not self.jobs or not self.online or (self._turn and not self._turn.job):
            return 2
        return 0 if self.jobs.has_lock else 2 if self._poll_next or self._asks else 1

    @property
    def _asks(self) -> bool:
        """Whether it has not yet said what it can do: no command goes before that."""
        return Code.CAP in self._survey

    def submit(self, command: OsdpCommand, now: float) -> None:
        """Queue a command."""
        if isinstance(command, KeyCommand):
            self.keys.change(command.key)
        self.jobs.add(command, now)

    def expire(self, now: float) -> None:
        """Drop the commands that waited past their deadline."""
        self.jobs.expire(now, self._turn.job if self._turn else None)

    @property
    def next_expiry(self) -> float:
        """When the first command that waits runs out; infinity when none does."""
        return self.jobs.next_expiry(self._turn.job if self._turn else None)

    def next_frame(self, now: float, char_s: float) -> bytes | None:
        """The frame for this slot, or none when what waited is too late."""
        turn = self._turn
        if turn and turn.job and now + len(turn.raw) * char_s > turn.job.deadline_s:
            self.lose("command unanswered at its deadline", now)
            return None
        turn = self._turn = turn or self._new_turn(now, char_s)
        turn.sent += 1
        self.counters.sent += 1
        self.counters.repeated += turn.sent > 1
        return turn.raw

    def hesitated(self, seconds: float, chars: int) -> None:
        """The first byte of its answer came so long after our last bit, with so many handed over at once."""
        chars = min(chars, HELLO_CHARS)
        self.usual_chars += (chars - self.usual_chars) * (RISE if chars > self.usual_chars else FALL)
        self.counters.slowest_s = max(self.counters.slowest_s, seconds)
        self.usual_s += (seconds - self.usual_s) * (RISE if seconds > self.usual_s else FALL)
        self._slow_answers = self._slow_answers + 1 if seconds > self._limits.slow_s else 0

    def silence(self, now: float) -> None:
        """Nothing sound came back in time."""
        if self._turn and (self.phase is Phase.HELLO or self._turn.sent > self._limits.repeats):
            self.lose("no answer", now)

    def take(self, frame: Frame, now: float) -> bool:
        """A sound frame from this address. Gives whether it ends the turn; what does not belong is ignored."""
        turn = self._turn
        if turn is None:
            return False
        if frame.code == Reply.BUSY:
            self._wait(turn, now)
            return True
        if frame.sequence != self._sequence:
            return False
        try:
            return TAKERS[self.phase](self, turn, frame, now)
        except SessionBroken as error:
            if isinstance(error, DefaultKeyOffered) and not self.keys.installing(now):
                self.report.default_key(now)
            self.lose(str(error), now)
            return True

    def lose(self, reason: str, now: float) -> None:
        """End the session. A command in flight ends as unknown, and nothing of it is ever sent again."""
        if self.online:  # it was there: noise, or a reader that cannot repeat itself, must not keep it away
            self.failures = 0 if now - self._online_at > self._limits.settled_s else min(self.failures, 1)
        pauses = self._limits.retry_s
        self.refused = self.greeting
        pause_s = pauses[min(self.failures, len(pauses) - 1)]
        self.ready_at = now + (pause_s if self.refused else min(pause_s, self._limits.silent_s))
        self.failures += 1
        turn, self._turn = self._turn, None
        self.phase, self._channel = Phase.OFFLINE, None
        if turn and turn.job:
            self.jobs.finish(turn.job, Result.UNKNOWN, reason, now)
        self.report.lost(reason, now)

    # What goes out

    def _new_turn(self, now: float, char_s: float) -> Turn:
        if self.phase is Phase.OFFLINE:
            self.phase, self._sequence = Phase.HELLO, 0
            return self._plain(Code.LSTAT)  # the shortest question that takes nothing from it, whatever its answer is
        self._sequence = self._sequence % 3 + 1
        if self._channel is None:
            return self._plain(Code.CHLNG, *self.keys.challenge(now))
        turn = None if self._asks else self._job_turn(self._channel, now, char_s)
        if turn is None:
            code = self._next_question(now)
            turn = self._sealed(self._channel, code, QUESTIONS.get(code, b""))
        self._poll_next = turn.code != Code.POLL and not (turn.job and turn.job.is_lock)
        return turn

    def _job_turn(self, channel: SecureChannel, now: float, char_s: float) -> Turn | None:
        """The next step of the most urgent command that can still reach the device in time."""
        for job in self.jobs.candidates(self.report.functions or {}, now, locks_only=self._poll_next):
            turn = self._sealed(channel, *job.steps[0])
            if now + len(turn.raw) * char_s <= job.deadline_s:
                turn.job, job.started = job, True
                return turn
            self.jobs.too_late(job, now)
        return None

    def _next_question(self, now: float) -> Code:
        if not self._survey and now >= self._refresh_at:
            self._refresh_at = now + self._limits.refresh_s
            self._survey.extend(REFRESH)
        while self._survey and not self._answers(self._survey[0]):
            self._survey.popleft()
        if self._poll_next:  # first of all: a card shown from now on is fresh, and none waits for the questions
            return Code.POLL
        return self._survey[0] if self._survey else Code.POLL

    def _answers(self, code: Code) -> bool:
        """Whether the device says that it can answer; one that did not tell its functions is asked, once."""
        if code in self._unknown:
            return False
        functions = self.report.functions
        return not functions or code not in NEEDS or functions.get(NEEDS[code], (0, 0))[1] > 0

    def _plain(self, code: int, data: bytes = b"", security: bytes = b"") -> Turn:
        return Turn(encode(Frame(self.address, self._sequence, code, data, security)), code)

    def _sealed(self, channel: SecureChannel, code: int, data: bytes = b"") -> Turn:
        return Turn(encode(channel.seal(Frame(self.address, self._sequence, code, data))), code)

    # What each phase makes of an answer

    def _wait(self, turn: Turn, now: float) -> None:
        """BUSY: the same frame again after a pause, not counted as a repeat, but not for ever either."""
        turn.sent -= 1
        turn.busy += 1
        self.counters.busy += 1
        self.ready_at = now + self._limits.busy_s
        if turn.busy > self._limits.busy_repeats:
            self.lose("busy for too long", now)

    def _hello(self, _turn: Turn, _frame: Frame, now: float) -> bool:
        self._turn, self.phase, self.ready_at = None, Phase.CHALLENGE, now
        return True

    def _challenged(self, _turn: Turn, frame: Frame, now: float) -> bool:
        if frame.code != Reply.CCRYPT:
            self.keys.passed()
            self.lose("reader has no secure channel", now)
            return True
        answer = self.keys.answer(frame)
        self.phase, self._sequence = Phase.CRYPT, self._sequence % 3 + 1
        self._turn = self._plain(Code.SCRYPT, *answer)
        return True

    def _crypted(self, _turn: Turn, frame: Frame, now: float) -> bool:
        if frame.code != Reply.RMAC_I:
            self.keys.passed()
            self.lose("reader refused our key", now)
            return True
        self._channel, opened = self.keys.finish(frame, now)
        if opened is Opened.DEFAULT:
            self.phase, self._sequence = Phase.INSTALL, self._sequence % 3 + 1
            self._turn = self._sealed(self._channel, Code.KEYSET, keyset(self.keys.newest))
            return True
        self._turn, self.phase = None, Phase.ONLINE
        self._online_at, self._refresh_at = now, now + self._limits.refresh_s
        self._survey, self._poll_next = deque(SURVEY), True
        self._unknown.clear()
        self.counters.sessions += 1
        self.report.opened(now)
        if opened is Opened.NEXT:
            self.report.key_changed(now)
        elif self.keys.changing and not self.jobs.changes_key:  # the change was cut off: go on with it
            self.submit(KeyCommand(f"key-{self.name}", self.name, self.keys.newest, now + self._limits.key_s), now)
        return True

    def _installed(self, _turn: Turn, frame: Frame, now: float) -> bool:
        """The answer to our key, in a channel that the default key opened. Nothing else is heard there."""
        if self._channel is None or not frame.has_mac:
            return self._unproven(frame, now)
        if self._channel.open(frame, bare=(Reply.NAK,)).code == Reply.ACK:
            self.keys.loaded()
            self.lose("key loaded, channel starts anew", now)
        else:
            self.keys.passed()
            self.lose("reader does not take our key", now)
        return True

    def _answered(self, turn: Turn, frame: Frame, now: float) -> bool:
        if self._channel is None or not frame.has_mac:
            return self._unproven(frame, now)
        frame = self._channel.open(frame, bare=(Reply.NAK,))
        reason = read_nak(frame.data) if frame.code == Reply.NAK else None
        self.counters.refused += reason is not None
        if reason in SESSION_GONE:
            self.lose("session lost", now)
            return True
        self._turn = None
        if turn.job:
            self._step_done(turn.job, "" if reason is None else nak_words(reason), frame, now)
        elif self._survey and turn.code == self._survey[0]:
            self._survey.popleft()
            if reason == Nak.UNKNOWN_COMMAND:
                self._unknown.add(turn.code)
        if turn.code == Code.POLL and frame.code == Reply.ACK:
            self.report.nothing()
        self.report.answer(frame.code, frame.data, now)
        return True

    def _step_done(self, job: Job, refusal: str, frame: Frame, now: float) -> None:
        follow = self.jobs.step_done(job, refusal, frame.code, frame.data, now)
        if follow.step:
            self.ready_at = now + follow.pause_s
            self._poll_next = not follow.alone
        if isinstance(job.command, KeyCommand) and not refusal:
            self.keys.loaded()
            self.lose("key changed, channel starts anew", now)

    def _unproven(self, frame: Frame, now: float) -> bool:
        """Without a MAC only a refusal is heard: of a damaged frame (repeat it), or because the session is gone."""
        if frame.code != Reply.NAK:
            return False
        self.counters.refused += 1
        if read_nak(frame.data) == Nak.CHECK:
            self.silence(now)
        else:
            self.lose("session lost", now)
        return True


TAKERS: dict[Phase, Callable[[OsdpDevice, Turn, Frame, float], bool]] = {
    Phase.OFFLINE: lambda _device, _turn, _frame, _now: False,
    Phase.HELLO: OsdpDevice._hello,
    Phase.CHALLENGE: OsdpDevice._challenged,
    Phase.CRYPT: OsdpDevice._crypted,
    Phase.INSTALL: OsdpDevice._installed,
    Phase.ONLINE: OsdpDevice._answered,
}
