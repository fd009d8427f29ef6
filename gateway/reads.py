"""What is presented at readers: decided, written down, and granted or refused. All of it runs in the loop's thread."""

from dataclasses import dataclass
from typing import Any

import structlog

from controllers.driver import CardRead, IdCardRead, KeyRead, Signal, TextRead
from gateway.access.case import NOBODY, person
from gateway.access.decision import Denied, DenyReason, Granted, Limits, Scene, Unreadable, decide
from gateway.access.door_words import DoorMode
from gateway.access.event import EventKind
from gateway.access.interlock import in_the_way
from gateway.access.model import AccessPoint
from gateway.access.presence import OnTheWay
from gateway.commands import Commands, Order, new_id
from gateway.doors import Doors
from gateway.elsewhere import Elsewhere, known
from gateway.keypad import Keypads, PinEntry
from gateway.orders import COMMAND_S, Orders
from gateway.pen import Pen
from gateway.presentation import Identifier, Presentation, Read
from gateway.readers import Admission, ReaderLimits, ReaderWatch
from gateway.shown import code_id, facts
from gateway.site import Site

PIN_S = 10.0  # so long a reader waits for the PIN that goes with a card or code

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Held:
    """A card or code that waits for its PIN, and what it is without it."""

    read: Read
    shown: Presentation
    decision: Denied
    told: dict[str, Any]  # as of `_looked_at`
    until: float


class Reads:
    """The way from a read to a grant.

    Args:
        site: the wiring.
        pen: the way into the journal, with clock and table.
        commands: the way to readers.
        doors: the doors' states.
        orders: takes what is granted.
        identifier: what a read presents.
        elsewhere: who is where, as far as it is known now.
        limits: how readers are held back.
    """

    def __init__(
        self,
        site: Site,
        pen: Pen,
        commands: Commands,
        doors: Doors,
        orders: Orders,
        identifier: Identifier,
        elsewhere: Elsewhere,
        limits: ReaderLimits,
    ) -> None:
        self._site, self._pen, self._commands, self._doors, self._orders = site, pen, commands, doors, orders
        self._clock, self._passage = pen.clock, pen.journal.passage
        self._limits, self._identifier, self._elsewhere = limits, identifier, elsewhere
        self._rules = Limits(static_codes=site.static_codes)
        self._watches = {reader.name: ReaderWatch(limits) for reader in site.readers}
        self._keypads = Keypads()
        self._held: dict[str, _Held] = {}  # by access point

    def take(self, read: Read) -> None:
        """Something was presented."""
        match read:
            case CardRead(bits=bits, bit_count=count):
                self._take(read, (bits, count), self._limits.repeat_card_s)
            case TextRead(text=text):
                self._take(read, text, self._limits.repeat_text_s)
            case IdCardRead(key=key):
                self._take(read, key, self._limits.repeat_card_s)
            case PinEntry():
                self._take(read, self._identifier.pin_key(read), self._limits.repeat_card_s)
            case _:
                self._take(read, read.what, self._limits.repeat_card_s)

    def keys(self, keys: KeyRead) -> None:
        """Keys were pressed."""
        for entry in self._keypads.entries(keys):
            self.take(entry)

    def tick(self, mono_s: float) -> None:
        """Who gave no PIN in time is refused."""
        for name in [name for name, held in self._held.items() if held.until <= mono_s]:
            self._give_up(self._held.pop(name))

    def _take(self, read: Read, identity: object, repeat_s: float) -> None:
        point = self._site.points.get(read.reader)
        if point is None:
            log.warning("reader serves no access point", reader=read.reader)
            return
        mono = self._clock.mono()
        if read.seen.stale or read.seen.mono_s + COMMAND_S < mono:
            self._stale(read, point)
            return
        watch = self._watches[read.reader]
        awaited = isinstance(read, PinEntry) and point.name in self._held
        admission = watch.admit(identity, repeat_s, mono, awaited=awaited)
        if admission is Admission.DECIDE:
            self._decide(read, point, watch)
        elif admission is Admission.THROTTLED:
            self._throttled(read, point, watch, mono)

    def _decide(self, read: Read, point: AccessPoint, watch: ReaderWatch) -> None:
        at, held = self._clock.now(), self._held.pop(point.name, None)
        shown = self._identifier.of(read, self._pen.table())
        if held is not None and isinstance(read, PinEntry):
            shown = self._identifier.with_pin(held.shown, read)
        elif held is not None:
            self._give_up(held)  # somebody else is here
        scene = self._scene(point)
        decision = decide(self._pen.table(), self._passage, point, shown.presented, at, self._rules, scene)
        told = _looked_at(shown, scene, self._known(shown, point, scene, decision))
        if isinstance(decision, Denied) and self._wants_pin(decision, read):
            self._held[point.name] = _Held(read, shown, decision, told, self._clock.mono() + PIN_S)
            self._commands.show(read.reader, Signal.MORE, self._clock.mono())
            return
        if isinstance(read, PinEntry) and held is None and _not_found(decision):
            decision = Denied(DenyReason.INVALID_PIN)
        if isinstance(decision, Granted):
            watch.granted()
            self._grant(read, point, shown, decision, told, at)
        else:
            self._deny(read, point, shown, decision, told, at)

    def _scene(self, point: AccessPoint) -> Scene:
        busy = self._site.interlocks and in_the_way(point.door, self._site.interlocks, self._doors.states, self._busy)
        presence, coming = self._elsewhere.presence(self._clock.mono()), self._orders.on_the_way()
        if coming:
            presence = OnTheWay(presence, coming)
        return Scene(presence, self._doors.state(point.door).base, bool(busy))

    def _known(
        self, shown: Presentation, point: AccessPoint, scene: Scene, decision: Granted | Denied
    ) -> dict[str, Any]:
        """What the decision knew that no event tells: of other gateways, and of who is on his way into a zone."""
        who = decision.credential or NOBODY
        told: dict[str, Any] = dict(self._passage.spent_there(code_id(shown.presented), who))
        crossing = self._pen.table().crossing(point.name)
        if crossing is not None and not isinstance(shown.presented, Unreadable):
            coming = {zone for move in self._orders.on_the_way() for zone in move.entering}
            zones = [zone for zone in crossing.zones if zone in coming or self._elsewhere.shares(zone)]
            told |= {"known": known(scene.presence, person(who, shown.presented), zones)} if zones else {}
        return told

    def _busy(self, door: str) -> bool:
        return door in self._orders.leaving

    def _wants_pin(self, decision: Denied, read: Read) -> bool:
        """It is worth asking: nothing but the second factor is missing, its owner has one, and keys are there."""
        who = decision.credential
        return (
            decision.reason is DenyReason.ASSURANCE_TOO_LOW
            and who is not None
            and bool(who.pin)
            and not isinstance(read, PinEntry)
            and any(self._commands.has_keys(reader) for reader in self._site.readers_beside(read.reader))
        )

    def _give_up(self, held: _Held) -> None:
        """The PIN did not come: what was presented is one event, as it is without it."""
        point = self._site.points[held.read.reader]
        self._deny(held.read, point, held.shown, held.decision, held.told, self._clock.now())

    def _grant(
        self, read: Read, point: AccessPoint, shown: Presentation, decision: Granted, told: dict[str, Any], at: float
    ) -> None:
        fields = _of_read(read, point, shown) | _of_who(decision)
        fields |= {"policy": decision.policy, "command_id": new_id()}
        detail = told | ({"duress": True} if decision.duress else {})
        if decision.notes:
            detail["notes"] = list(decision.notes)
        event = self._pen.event(EventKind.GRANTED, fields | {"detail": detail}, at)
        self._pen.noted(decision.changes)  # at once, not when durable: the next read may be in the queue
        order = Order(
            event.command_id,
            self._doors.by_name[point.door],
            read.seen.mono_s + COMMAND_S,
            point.name,
            read.reader,
            extended=decision.extended,
            moves=decision.moves,
        )
        self._orders.carry_out(order, event, decision.changes)
        if decision.duress:
            self._cry(read, point, decision)

    def _deny(
        self, read: Read, point: AccessPoint, shown: Presentation, decision: Denied, told: dict[str, Any], at: float
    ) -> None:
        awaited = decision.reason is DenyReason.SECOND_PERSON_NEEDED
        self._commands.show(read.reader, Signal.MORE if awaited else Signal.DENIED, self._clock.mono())
        fields = _of_read(read, point, shown) | _of_who(decision) | {"reason": decision.reason}
        fields |= {"detail": told | ({"duress": True} if decision.duress else {})}
        event = self._pen.event(EventKind.DENIED, fields, at)
        self._pen.put(event, self._pen.noted((*decision.changes, *decision.moves)))
        if decision.duress:
            self._cry(read, point, decision)
        if not awaited:
            self._refused(read, point)

    def _cry(self, read: Read, point: AccessPoint, decision: Granted | Denied) -> None:
        """A silent cry for help: guards hear of it, nothing at the door shows it."""
        self._pen.write(EventKind.DURESS, _of_place(read, point) | _of_who(decision))

    def _refused(self, read: Read, point: AccessPoint) -> None:
        watch = self._watches[read.reader]
        if watch.refused(self._clock.mono()):
            fields = _of_place(read, point) | {"detail": {"refused": watch.refused_in_row}}
            self._pen.write(EventKind.READER_ALARM, fields)

    def _throttled(self, read: Read, point: AccessPoint, watch: ReaderWatch, mono_s: float) -> None:
        """Refused unseen; a flood of them is one event a second."""
        if count := watch.tell_throttled(mono_s):
            self._commands.show(read.reader, Signal.DENIED, mono_s)
            fields = {"reason": DenyReason.READER_THROTTLED, "detail": {"reads": count}}
            self._pen.write(EventKind.DENIED, _of_place(read, point) | fields)

    def _stale(self, read: Read, point: AccessPoint) -> None:
        """It waited for too long, in the device or here: the person is gone."""
        self._pen.write(EventKind.STALE_READ, _of_read(read, point, self._identifier.of(read, self._pen.table())))


def _not_found(decision: Granted | Denied) -> bool:
    return isinstance(decision, Denied) and decision.reason is DenyReason.CREDENTIAL_NOT_FOUND


def _looked_at(shown: Presentation, scene: Scene, known: dict[str, Any]) -> dict[str, Any]:
    """What the decision looked at beside credential and table, so that it can be explained at any later time."""
    told = facts(shown.presented)
    told |= {"mode": scene.mode} if scene.mode not in (None, DoorMode.LOCKED) else {}
    return {"shown": told | known | ({"interlocked": True} if scene.interlocked else {})}


def _of_place(read: Read, point: AccessPoint) -> dict[str, Any]:
    return {"door": point.door, "access_point": point.name, "reader": read.reader}


def _of_read(read: Read, point: AccessPoint, shown: Presentation) -> dict[str, Any]:
    return _of_place(read, point) | {"raw": shown.raw, "credential_type": shown.type}


def _of_who(decision: Granted | Denied) -> dict[str, Any]:
    grounds = decision.grounds
    if grounds is None or (who := grounds.found) is None or (age := grounds.age) is None:
        return {}
    return {"credential": who.id, "holder": who.holder, "freshness": age.freshness, "age_s": age.age_s or 0}
