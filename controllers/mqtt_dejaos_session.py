"""DejaOS / Vguang terminals behind a broker: the host decides, and each stored record is acknowledged by itself.

A terminal that asks (`mqtt.onlinecheck` 1) waits `mqtt.timeout` for its answer. Our unlock within that time is that
answer; later, or unasked, it is a remote `control`. Neither is repeated: the terminal would do it twice.
"""

import secrets
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

import structlog

from controllers import mqtt_dejaos as dejaos
from controllers.driver import (
    Capabilities,
    CardRead,
    Command,
    DeviceEvent,
    DeviceRecord,
    InputState,
    KeyRead,
    LinkState,
    LocalState,
    LockAction,
    LockCommand,
    Result,
    Signal,
    TextRead,
)
from controllers.errors import BadSetup, ProtocolViolation
from controllers.mqtt_dejaos import Terminal
from controllers.mqtt_dialect import Action, Message
from controllers.session import Moment, Sent, outcome

log = structlog.get_logger()

ASK_S, SILENT_S = 30.0, 100.0  # heartbeats may be off: a terminal is asked for its configuration to show that it lives
EXPIRY_S = 10
REMEMBERED = 1024  # questions and records, of all terminals
SKEW_S = 60.0


@dataclass(slots=True)
class _State:
    """What is known of a terminal."""

    up: bool = False
    heard_s: float = float("-inf")
    asked_s: float = float("-inf")
    question: tuple[str, float] | None = None  # serialNo, until when an answer counts
    levels: list[bool] = field(default_factory=lambda: [False, False])  # door open, fire
    offsets: deque[float] = field(default_factory=lambda: deque(maxlen=8))  # our clock less its own, each message
    skew_told: bool = False


class DejaosSession:
    """All such terminals of a site."""

    tick_s = 0.1

    def __init__(self, terminals: Sequence[Terminal], answer_s: float = 4.0, stale_s: float = 5.0) -> None:
        if len({each.uuid for each in terminals}) < len(terminals):
            raise BadSetup("two terminals with one serial number")
        self._terminals = {terminal.name: terminal for terminal in terminals}
        self._answer_s = answer_s
        self._stale_s = stale_s
        self._sent = Sent()
        self._states = {name: _State() for name in self._terminals}
        self._seen: OrderedDict[tuple[str, str], str] = OrderedDict()  # (uuid, serialNo): "asked", "handed", "stored"
        self._receipts: deque[tuple[str, str]] = deque(maxlen=REMEMBERED)  # from any thread
        self._takes: dict[str, Callable[[Terminal, dejaos.Envelope, Moment], Iterator[Action]]] = {
            "access_online": self._question, "access": self._records, "alarm": self._alarm, "offline": self._offline,
            "control_reply": self._control_reply,
        }  # fmt: skip
        self.dropped = 0

    def devices(self) -> dict[str, Capabilities]:
        """The terminals, by name. Inputs: door open, fire."""
        has = Capabilities("host_or_device", cards=True, text=True, keys=True, inputs=2, outputs=1, feedback=True)
        return dict.fromkeys(self._terminals, has)

    def topics(self) -> list[str]:
        """What the terminals publish."""
        bases = dict.fromkeys(terminal.base for terminal in self._terminals.values())
        kinds = [f"event/{kind}" for kind in dejaos.EVENTS] + [f"cmd/{kind}" for kind in dejaos.REPLIES]
        return [f"{base}/{kind}" for base in bases for kind in kinds]

    def start(self, now: Moment) -> Iterator[Action]:
        """Nobody knows yet who is there: ask all."""
        self._states = {name: _State() for name in self._terminals}
        yield from self.tick(now)

    def received(self, message: Message, now: Moment) -> Iterator[Action]:
        """Take a message whose topic and serial number belong to one terminal, and drop all others."""
        base, _, kind = message.topic.rpartition("/")
        try:
            sent = dejaos.envelope(message.payload)
            terminal = self._terminal(base.rpartition("/")[0], sent.uuid)
            if message.retained:
                raise ProtocolViolation("retained")
            if kind != "offline":
                yield from self._heard(terminal, sent, now)
            take = self._takes.get(kind)
            if take is not None:
                yield from take(terminal, sent, now)
        except ProtocolViolation as error:
            self.dropped += 1
            log.debug("message dropped", topic=message.topic, why=str(error))

    def _terminal(self, base: str, uuid: str) -> Terminal:
        for terminal in self._terminals.values():
            if terminal.uuid == uuid and terminal.base == base:
                return terminal
        raise ProtocolViolation("not this terminal's topic")

    def _heard(self, terminal: Terminal, sent: dejaos.Envelope, now: Moment) -> Iterator[Action]:
        state = self._states[terminal.name]
        state.heard_s = now.mono_s
        state.offsets.append(now.wall_s - sent.time)
        if abs(min(state.offsets)) > SKEW_S and not state.skew_told:
            state.skew_told = True
            log.warning("clock of a terminal is wrong", device=terminal.name, off_s=round(min(state.offsets)))
        if not state.up:
            state.up = True
            yield LinkState(terminal.name, True, False, "it speaks", now.seen())

    def _age_s(self, state: _State, sent: dejaos.Envelope, at_s: int, now: Moment) -> float:
        """How long something waited, in the terminal and on the way. The least offset is the clock's error."""
        in_terminal = sent.time - at_s if at_s else 0
        return in_terminal + now.wall_s - sent.time - min(state.offsets)

    # Events

    def _question(self, terminal: Terminal, sent: dejaos.Envelope, now: Moment) -> Iterator[Action]:
        if not self._first_time(terminal, sent, "asked"):
            return
        state, asked = self._states[terminal.name], dejaos.question(sent)
        stale = self._age_s(state, sent, asked.timeStamp, now) > self._stale_s
        state.question = None if stale else (sent.serialNo, now.mono_s + self._answer_s)
        try:
            yield self._read(terminal, asked, now, stale)
        except ProtocolViolation:
            state.question = None
            stale = True
            self.dropped += 1
        if stale:
            yield dejaos.reply(
                terminal.base, terminal.uuid, "access_online", sent.serialNo, dejaos.DENIED, now.wall_s, EXPIRY_S
            )

    def _read(self, terminal: Terminal, asked: dejaos.Question, now: Moment, stale: bool) -> DeviceEvent:
        kind, name = str(asked.type), terminal.name
        if kind in dejaos.TEXTS:
            return TextRead(name, dejaos.text(asked.code), now.seen(stale))
        if kind in dejaos.CARDS:
            card = dejaos.card(asked.code)
            return CardRead(name, card.bits, card.bit_count, now.seen(stale))
        if kind == dejaos.PIN:
            return KeyRead(name, f"{dejaos.pin(asked.code)}#", now.seen(stale))  # the terminal gathers all keys
        raise ProtocolViolation("a kind that only the terminal can judge")

    def _records(self, terminal: Terminal, sent: dejaos.Envelope, now: Moment) -> Iterator[Action]:
        key, entries = (terminal.uuid, sent.serialNo), dejaos.records(sent)
        if self._seen.get(key) == "stored":
            self._receipts.append(key)  # our acknowledgement got lost
        if not self._first_time(terminal, sent, "handed"):
            return
        left = [len(entries)]
        for number, entry in enumerate(entries):
            yield self._record(terminal, f"{sent.serialNo}-{number}", entry, partial(self._stored, key, left), now)
            age_s = self._age_s(self._states[terminal.name], sent, entry.timeStamp, now)
            if entry.error == dejaos.ONLINE and entry.result == 0 and age_s <= self._stale_s:
                yield from self._sent.end(f"{terminal.name} answer", Result.DONE, "", now)
        if not entries:
            self._stored(key, [1])

    def _record(
        self, terminal: Terminal, number: str, entry: dejaos.Record, stored: Callable[[], None], now: Moment
    ) -> DeviceRecord:
        try:
            card = dejaos.card(entry.code) if str(entry.type) in dejaos.CARDS else None
        except ProtocolViolation:
            card = None
        return DeviceRecord(
            terminal.name,
            terminal.name,
            f"{terminal.uuid}-{number}",
            entry.result == 0,
            entry.error[:64],
            now.seen(),
            float(entry.timeStamp),
            card.bits if card else 0,
            card.bit_count if card else 0,
            stored,
        )

    def _stored(self, key: tuple[str, str], left: list[int]) -> None:
        """One of a message's records is durable; called from any thread. The last one earns the receipt."""
        left[0] -= 1
        if left[0] == 0:
            self._receipts.append(key)

    def _alarm(self, terminal: Terminal, sent: dejaos.Envelope, now: Moment) -> Iterator[Action]:
        state, alarm = self._states[terminal.name], dejaos.alarm(sent)
        if alarm.type == dejaos.TAMPER:
            yield LocalState(terminal.name, alarm.value == 1, False, now.seen())
        elif alarm.type in (dejaos.DOOR, dejaos.FIRE):
            place = int(alarm.type == dejaos.FIRE)
            state.levels[place] = alarm.value == place  # a door says 0 when it opens, a fire 1 when it burns
            yield InputState(terminal.name, (state.levels[0], state.levels[1]), now.seen())
        yield dejaos.reply(terminal.base, terminal.uuid, "alarm", sent.serialNo, dejaos.OK, now.wall_s, EXPIRY_S)

    def _offline(self, terminal: Terminal, _sent: dejaos.Envelope, now: Moment) -> Iterator[Action]:
        yield from self._gone(terminal, "offline", now)

    def _gone(self, terminal: Terminal, why: str, now: Moment) -> Iterator[DeviceEvent]:
        state = self._states[terminal.name]
        state.question = None
        if state.up:
            state.up = False
            yield LinkState(terminal.name, False, False, why, now.seen())

    def _control_reply(self, terminal: Terminal, sent: dejaos.Envelope, now: Moment) -> Iterator[Action]:
        results = {dejaos.OK: Result.DONE, dejaos.TIMED_OUT: Result.UNKNOWN}
        token = f"{terminal.name} {sent.serialNo}"
        yield from self._sent.end(token, results.get(sent.code, Result.REFUSED), f"code {sent.code[:8]}", now)

    def _first_time(self, terminal: Terminal, sent: dejaos.Envelope, what: str) -> bool:
        """QoS 1 may deliver twice, and terminals repeat what is not acknowledged."""
        key = (terminal.uuid, sent.serialNo)
        if key in self._seen:
            return False
        self._seen[key] = what
        while len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)
        return True

    # Commands

    def command(self, command: Command, now: Moment) -> Iterator[Action]:
        """Open: as the answer to the terminal's question if it still waits for one, else from afar."""
        terminal, state = self._terminals[command.device], self._states[command.device]
        asked = state.question is not None and now.mono_s < state.question[1]
        if not isinstance(command, LockCommand):
            if command.signal is Signal.DENIED and asked and state.question is not None:
                yield self._answer(terminal, state, dejaos.DENIED, now)
                yield outcome(command, Result.UNKNOWN, "sent; terminals do not acknowledge it", now)
            else:
                yield outcome(command, Result.REFUSED, "the terminal shows its own signals", now)
        elif command.action is not LockAction.PULSE or command.output:
            yield outcome(command, Result.REFUSED, "terminals open one door, for the time set on them", now)
        elif not state.up:
            yield outcome(command, Result.EXPIRED, "terminal is off line", now)
        elif asked and f"{command.device} answer" not in self._sent:
            self._sent.add(f"{command.device} answer", command)
            yield self._answer(terminal, state, dejaos.OK, now)
        else:
            serial = secrets.token_hex(12)
            self._sent.add(f"{command.device} {serial}", command)
            expiry_s = int(command.deadline_mono_s - now.mono_s) + 1
            yield dejaos.command(
                terminal.base, terminal.uuid, "control", serial, {"command": dejaos.OPEN}, now.wall_s, expiry_s
            )

    def _answer(self, terminal: Terminal, state: _State, code: str, now: Moment) -> Action:
        serial, until_s = state.question or ("", now.mono_s)
        state.question = None
        expiry_s = int(until_s - now.mono_s) + 1
        return dejaos.reply(terminal.base, terminal.uuid, "access_online", serial, code, now.wall_s, expiry_s)

    def tick(self, now: Moment) -> Iterator[Action]:
        """Receipts, late commands, and signs of life."""
        yield from self._sent.expire(now)
        by_uuid = {terminal.uuid: terminal for terminal in self._terminals.values()}
        while self._receipts:
            uuid, serial = self._receipts.popleft()
            self._seen[uuid, serial] = "stored"
            terminal = by_uuid[uuid]
            yield dejaos.reply(terminal.base, uuid, "access", serial, dejaos.OK, now.wall_s, EXPIRY_S)
        for terminal in self._terminals.values():
            state = self._states[terminal.name]
            if now.mono_s - max(state.heard_s, state.asked_s) >= ASK_S:
                state.asked_s = now.mono_s
                serial = secrets.token_hex(12)
                yield dejaos.command(
                    terminal.base, terminal.uuid, "getConfig", serial, ["sys.model"], now.wall_s, EXPIRY_S
                )
            if state.up and now.mono_s - state.heard_s > SILENT_S:
                yield from self._gone(terminal, "silent", now)

    def lost(self, now: Moment) -> Iterator[DeviceEvent]:
        """The broker is gone."""
        yield from self._sent.abandon("broker lost", now)
        for terminal in self._terminals.values():
            yield from self._gone(terminal, "broker lost", now)
