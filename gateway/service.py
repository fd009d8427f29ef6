"""The doors' service: reads are decided, written down, and then become orders; devices' news become events.

All of it runs in the loop's thread.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import structlog

from controllers.driver import (
    CardRead,
    DeviceAlarm,
    DeviceEvent,
    DeviceRecord,
    IdCardRead,
    InputState,
    KeyChanged,
    KeyRead,
    LinkState,
    LocalState,
    Outcome,
    OutputState,
    Signal,
    TextRead,
    UnsupportedRead,
)
from gateway.access import door as machine
from gateway.access.decision import Denied, DenyReason, Granted, Live, decide
from gateway.access.event import AccessEvent, EventKind
from gateway.access.mj1 import DURESS
from gateway.access.model import AccessPoint
from gateway.commands import Commands, Order, new_id
from gateway.doors import Doors
from gateway.journal import DAY_S
from gateway.keypad import Keypads, PinEntry
from gateway.orders import COMMAND_S, Orders, RemoteUnlock
from gateway.pen import Pen
from gateway.presentation import Identifier, Presentation, Read
from gateway.readers import Admission, ReaderLimits, ReaderWatch
from gateway.records import Records
from gateway.site import Door, Site

FORGET_S = 60.0  # how often what a passage left behind is looked through
SAID = {  # what a door says → the event that it is
    machine.Taken: EventKind.TAKEN,
    machine.NotTaken: EventKind.NOT_TAKEN,
    machine.ForcedOpen: EventKind.DOOR_FORCED_OPEN,
    machine.OpenTooLong: EventKind.DOOR_OPEN_TOO_LONG,
    machine.Closed: EventKind.DOOR_CLOSED,
}

log = structlog.get_logger()


class Service:
    """Joins readers, table, journal and locks.

    Args:
        site: the wiring.
        pen: the way into the journal, with clock and table.
        commands: the way to locks and readers.
        loop: the loop in whose thread the service runs.
        on_change: called when the inventory changed.
        limits: how readers are held back.
    """

    def __init__(
        self,
        site: Site,
        pen: Pen,
        commands: Commands,
        loop: asyncio.AbstractEventLoop,
        on_change: Callable[[], None] = lambda: None,
        limits: ReaderLimits | None = None,
    ) -> None:
        self._site, self._pen, self._commands, self._on_change = site, pen, commands, on_change
        self._clock, self._passage = pen.clock, pen.journal.passage
        self._limits = limits or ReaderLimits()
        self._identifier = Identifier(site.site_key, site.readers)
        self._watches = {reader.name: ReaderWatch(self._limits) for reader in site.readers}
        self._locals: dict[str, LocalState] = {}
        self.links: dict[str, LinkState] = {}
        self.doors = Doors(site.doors, self._door_says, on_change)
        self._orders = Orders(pen, commands, self.doors, loop)
        self._keypads = Keypads()
        self._records = Records(pen, site.points, self._identifier, loop)
        self._forgot_s = float("-inf")

    def on_event(self, event: DeviceEvent) -> None:
        """Take what a device says."""
        match event:
            case CardRead():
                self._read(event, (event.bits, event.bit_count), self._limits.repeat_card_s)
            case TextRead():
                self._read(event, event.text, self._limits.repeat_text_s)
            case IdCardRead():
                self._read(event, event.key, self._limits.repeat_card_s)
            case UnsupportedRead():
                self._read(event, event.what, self._limits.repeat_card_s)
            case KeyRead():
                self._keys(event)
            case DeviceRecord():
                self._records.take(event)
            case DeviceAlarm():
                self._pen.write(EventKind.DEVICE_ALARM, {"reader": event.device, "reason": event.what})
            case KeyChanged():
                self._pen.write(EventKind.KEY_CHANGED, {"reader": event.device})
            case Outcome():
                self._orders.outcome(event)
            case InputState():
                self.doors.inputs(event)
            case LinkState():
                self._link(event)
            case LocalState():
                self._local(event)
            case OutputState():
                log.debug("not used here", kind=type(event).__name__)

    def unlock(self, remote: RemoteUnlock) -> None:
        """Carry out an operator's order once, if it is still in time."""
        self._orders.unlock(remote)

    def tick(self) -> None:
        """Let time pass: call it a few times a second."""
        mono = self._clock.mono()
        self.doors.tick(mono)
        self._orders.tick()
        if mono - self._forgot_s >= FORGET_S:
            self._forgot_s = mono
            self._passage.forget_commands(self._clock.now() - DAY_S)

    # --- reads --------------------------------------------------------------------------------------------------------

    def _keys(self, keys: KeyRead) -> None:
        for entry in self._keypads.entries(keys):
            self._read(entry, self._identifier.pin_key(entry), self._limits.repeat_card_s)

    def _read(self, read: Read, identity: object, repeat_s: float) -> None:
        point = self._site.points.get(read.reader)
        if point is None:
            log.warning("reader serves no access point", reader=read.reader)
            return
        mono = self._clock.mono()
        if read.seen.stale or read.seen.mono_s + COMMAND_S < mono:
            self._stale(read, point)
            return
        watch = self._watches[read.reader]
        admission = watch.admit(identity, repeat_s, mono)
        if admission is Admission.DECIDE:
            self._decide(read, point, watch)
        elif admission is Admission.THROTTLED:
            self._throttled(read, point, watch, mono)

    def _decide(self, read: Read, point: AccessPoint, watch: ReaderWatch) -> None:
        table, at = self._pen.table(), self._clock.now()
        shown = self._identifier.of(read, table)
        decision = decide(table, self._passage, point, shown.presented, datetime.fromtimestamp(at, UTC))
        if isinstance(decision, Granted) and not self.doors.state(point.door).admits:
            decision = Denied(DenyReason.OTHER, decision.credential)  # blocked or locked down
        elif isinstance(read, PinEntry) and decision == Denied(DenyReason.CREDENTIAL_NOT_FOUND, None):
            decision = Denied(DenyReason.INVALID_PIN, None)
        fields = _of_read(read, point, shown) | _of_decision(decision)
        if isinstance(decision, Granted):
            watch.granted()
            self._grant(read, point, decision, self._pen.event(EventKind.GRANTED, fields, at))
        else:
            self._commands.show(read.reader, Signal.DENIED, self._clock.mono())
            self._pen.put(self._pen.event(EventKind.DENIED, fields, at))
            self._refused(read, point, watch)

    def _grant(self, read: Read, point: AccessPoint, decision: Granted, event: AccessEvent) -> None:
        for change in decision.changes:  # at once, not when durable: the next read may be in the queue
            self._passage.note(change)
        door, deadline = self.doors.by_name[point.door], read.seen.mono_s + COMMAND_S
        order = Order(event.command_id, door, deadline, point.name, read.reader)
        self._orders.carry_out(order, event, decision.changes)

    def _refused(self, read: Read, point: AccessPoint, watch: ReaderWatch) -> None:
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

    # --- devices and doors --------------------------------------------------------------------------------------------

    def _door_says(self, door: Door, output: machine.DoorOutput, mono_s: float) -> None:
        if isinstance(output, machine.HeldSoon):
            for reader, point in self._site.points.items():
                if point.door == door.name:
                    self._commands.show(reader, Signal.HELD, self._clock.mono())
            return
        fields: dict[str, Any] = {"door": door.name}
        if isinstance(output, machine.Taken | machine.NotTaken):
            fields |= {"access_point": output.access_point, "command_id": output.command_id}
        elif isinstance(output, machine.Closed) and output.ended is not machine.DoorAlarm.NORMAL:
            fields["reason"] = output.ended
        self._pen.put(self._pen.event(SAID[type(output)], fields, self._clock.at(mono_s)))

    def _link(self, link: LinkState) -> None:
        before = self.links.get(link.device)
        self.links[link.device] = link
        if before is not None and (before.up, before.secure) == (link.up, link.secure):
            return
        fields = {"reader": link.device, "reason": link.reason, "detail": {"secure": link.secure}}
        self._pen.write(EventKind.LINK_UP if link.up else EventKind.LINK_DOWN, fields)
        if not link.up:
            self.doors.link_lost(link.device, self._clock.mono())
        self._on_change()

    def _local(self, local: LocalState) -> None:
        before = self._locals.get(local.device)
        self._locals[local.device] = local
        for kind, name in ((EventKind.TAMPER, "tamper"), (EventKind.POWER_FAULT, "power_fault")):
            active = getattr(local, name)
            if active != (before is not None and getattr(before, name)):
                self._pen.write(kind, {"reader": local.device, "detail": {"active": active}})


def _of_place(read: Read, point: AccessPoint) -> dict[str, Any]:
    return {"door": point.door, "access_point": point.name, "reader": read.reader}


def _of_read(read: Read, point: AccessPoint, shown: Presentation) -> dict[str, Any]:
    duress = isinstance(shown.presented, Live) and shown.presented.code.flags & DURESS
    told = {"raw": shown.raw, "credential_type": shown.type, "detail": {"duress": True} if duress else {}}
    return _of_place(read, point) | told


def _of_decision(decision: Granted | Denied) -> dict[str, Any]:
    who = decision.credential
    fields: dict[str, Any] = {"credential": who.id, "holder": who.holder} if who else {}
    if isinstance(decision, Granted):
        return fields | {"policy": decision.policy, "command_id": new_id()}
    return fields | {"reason": decision.reason}
