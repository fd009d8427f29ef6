"""The doors' service: reads are decided, written down, and then become orders; devices' news become events.

All of it runs in the loop's thread.
"""

import asyncio
from collections.abc import Callable

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
    TextRead,
    UnsupportedRead,
)
from gateway.access.door import ScheduleLevel
from gateway.access.event import EventKind
from gateway.access.rights import is_outwards
from gateway.amnesty import Amnesty
from gateway.commands import Commands
from gateway.door_news import DoorNews
from gateway.doors import Doors
from gateway.elsewhere import Elsewhere
from gateway.journal import DAY_S
from gateway.lockdowns import Lockdowns
from gateway.orders import Orders
from gateway.pen import Pen
from gateway.presentation import Identifier
from gateway.readers import ReaderLimits
from gateway.reads import Reads
from gateway.records import Records
from gateway.remote import Remote, RemoteOrder
from gateway.site import Site

FORGET_S = 60.0  # how often what a passage left behind is looked through

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
        self._site, self._pen, self._on_change = site, pen, on_change
        self._clock, self.passage = pen.clock, pen.journal.passage
        self._locals: dict[str, LocalState] = {}
        self.links: dict[str, LinkState] = {}
        self._fire_blind: set[str] = set()  # devices that do not report the input of a fire loop
        self._up_since: dict[str, float] = {}
        identifier = Identifier(site.site_key, site.readers, static_codes=site.static_codes)
        self._news = DoorNews(site, pen, commands, loop)
        at, now = self._clock.mono(), self._clock.now
        self.doors = Doors(site.doors, site.fire_zones, self._news.say, on_change, self.passage.doors, at, now)
        self._orders = Orders(pen, commands, self.doors, loop, self._leads_outwards)
        self._amnesty = Amnesty(site, pen)
        self._news.join(self.doors, self._orders.passed, self._amnesty.stood_free)
        self._lockdowns = Lockdowns(site, self.doors, pen.table, lambda: self.passage.lockdowns)
        self._remote = Remote(site, pen, self.doors, self._orders, self._lockdowns, loop, on_change)
        self.elsewhere = Elsewhere(self.passage.whereabouts, self.passage.there)
        self._reads = Reads(
            site, pen, commands, self.doors, self._orders, identifier, self.elsewhere, limits or ReaderLimits()
        )
        self._records = Records(pen, site.points, identifier, loop)
        self._forgot_s = float("-inf")

    def on_event(self, event: DeviceEvent) -> None:
        """Take what a device says."""
        match event:
            case CardRead() | TextRead() | IdCardRead() | UnsupportedRead():
                self._reads.take(event)
            case KeyRead():
                self._reads.keys(event)
            case DeviceRecord():
                self._records.take(event)
            case DeviceAlarm():
                self._pen.write(EventKind.DEVICE_ALARM, {"reader": event.device, "reason": event.what})
            case KeyChanged():
                self._pen.write(EventKind.KEY_CHANGED, {"reader": event.device})
            case Outcome():
                if not self._news.locks.outcome(event):
                    self._orders.outcome(event)
            case InputState():
                self._inputs(event)
            case LinkState():
                self._link(event)
            case LocalState():
                self._local(event)
            case OutputState():
                log.debug("not used here", kind=type(event).__name__)

    def order(self, order: RemoteOrder) -> None:
        """Carry out an operator's order once, if it is still in time."""
        self._remote.take(order)

    def until(self, door: str) -> int | None:
        """When the guard's mode of a door ends by itself, Unix seconds."""
        order = self.doors.state(door).order
        return None if order is None or order.until is None else round(self._clock.at(order.until))

    def zones(self, door: str) -> list[str]:
        """The zones at a door."""
        return self._lockdowns.zones(door)

    def lockdowns_of(self, door: str) -> list[str]:
        """The places whose lockdown stands and covers a door."""
        return sorted(place for place in self.passage.lockdowns if door in self._lockdowns.covered(place))

    def tick(self) -> None:
        """Let time pass: call it a few times a second."""
        mono = self._clock.mono()
        self._schedules(mono)
        self._lockdowns.tick(mono)
        self.doors.tick(mono, self._up_since.get)
        self._orders.tick()
        self._reads.tick(mono)
        self._amnesty.tick(mono)
        self._news.locks.tick(
            mono, lambda door: door.lock_device in self._up_since and self._news.may_drive_again(door)
        )
        if mono - self._forgot_s >= FORGET_S:
            self._forgot_s = mono
            before = self._clock.now() - DAY_S
            self.passage.forget_commands(before)
            if self._clock.quality() == "synced":
                self.passage.forget_spent(before)

    def _leads_outwards(self, point: str) -> bool:
        table = self._pen.table()
        return point in table.points and is_outwards(table.points[point], table.zones)

    def _schedules(self, mono_s: float) -> None:
        """Doors that the office's schedules unlock."""
        table, now = self._pen.table(), self._clock.now()
        for door in self._site.doors:
            if door.schedule:
                is_open, state = table.schedule_open(door.schedule, *table.local(now)), self.doors.state(door.name)
                if state.scheduled is not is_open or (state.first_in and not is_open):
                    until = now // 60 * 60 + 60 * table.open_for(door.schedule, *table.local(now))
                    self.doors.step(door, ScheduleLevel(is_open, mono_s + until - now), mono_s)

    # --- devices ------------------------------------------------------------------------------------------------------

    def _inputs(self, levels: InputState) -> None:
        if not self.doors.lacks_fire_input(levels):
            self._fire_blind.discard(levels.device)
        elif levels.device not in self._fire_blind:
            self._fire_blind.add(levels.device)
            self._pen.write(EventKind.DEVICE_ALARM, {"reader": levels.device, "reason": "FireInputMissing"})
        self.doors.inputs(levels)

    def _link(self, link: LinkState) -> None:
        before = self.links.get(link.device)
        self.links[link.device] = link
        if before is not None and (before.up, before.secure) == (link.up, link.secure):
            return
        fields = {"reader": link.device, "reason": link.reason, "detail": {"secure": link.secure}}
        self._pen.write(EventKind.LINK_UP if link.up else EventKind.LINK_DOWN, fields)
        mono = self._clock.mono()
        self._amnesty.link(link.device, up=link.up, at=mono)
        if link.up:
            self._up_since[link.device] = mono
            self._news.locks.link_up(link.device)
        else:
            self._up_since.pop(link.device, None)
            self.doors.link_lost(link.device, mono)
        self._on_change()

    def _local(self, local: LocalState) -> None:
        before = self._locals.get(local.device)
        self._locals[local.device] = local
        for kind, name in ((EventKind.TAMPER, "tamper"), (EventKind.POWER_FAULT, "power_fault")):
            active = getattr(local, name)
            if active != (before is not None and getattr(before, name)):
                self._pen.write(kind, {"reader": local.device, "detail": {"active": active}})
