"""Places and times as central sends them: zones with their rules, units, schedules, special days, profiles."""

from datetime import date
from typing import Annotated, Literal

from msgspec import Meta

from gateway.access.model import Passback
from mgmt_api.office.wire_base import Body, Clock, Day, Id, Label, Seconds, Short, Text, Weekday


class RulesBody(Body, frozen=True, kw_only=True):
    """The rules for entering a zone from outside it; leaving is never refused by them."""

    passback: Passback = Passback.OFF
    passback_s: Seconds = 0
    limit: Annotated[int, Meta(ge=0, le=1_000_000)] | None = None
    persons: Annotated[int, Meta(ge=1, le=2)] = 1
    supervised: bool = False
    escort: bool = False
    first_in_s: Seconds = 0
    hold_s: Annotated[int, Meta(ge=1, le=3600)] = 15
    least: Annotated[int, Meta(ge=0, le=1_000_000)] = 0  # while fewer are inside, nobody enters alone

    def __post_init__(self) -> None:
        """A supervisor is one of two, and as many as a zone has to hold may be in it."""
        if self.supervised and self.persons < 2 and self.least < 2:
            raise ValueError("supervised asks for persons: 2, or for least")
        if self.limit is not None and self.persons > self.limit:
            raise ValueError("persons is more than limit: nobody could ever enter")
        if self.limit is not None and self.least > self.limit:
            raise ValueError("least is more than limit: nobody could ever enter")


class ZoneBody(Body, frozen=True, kw_only=True):
    """PUT /zones/{id}. `use` says what the zone is to those who live around it.

    common: all of them may enter it (lift lobby, garage). amenity: they may too (club, pool), with `standing` only
    those of units whose account is in good standing. A zone that somebody lives in is on his way home whatever it says.
    """

    parent: Id | None = None
    public: bool = False
    name: Label | Text | None = None
    rules: RulesBody | None = None
    use: Literal["common", "amenity"] | None = None
    standing: bool = False

    def __post_init__(self) -> None:
        """Only an amenity may ask for good standing: no way home depends on money."""
        if self.standing and self.use != "amenity":
            raise ValueError("only an amenity may depend on standing")


class UnitBody(Body, frozen=True, kw_only=True):
    """PUT /units/{id}: a flat of the property tree. `zone` is the innermost zone around it: a floor, or a building."""

    zone: Id
    state: Literal["vacant", "rented", "sold", "occupied"] = "occupied"
    standing: Literal["good", "overdue"] = "good"
    name: Label | Text | None = None
    address: Text | None = None
    layout: Short | None = None
    orientation: Short | None = None
    floor_area_m2: Annotated[float, Meta(gt=0, le=1_000_000)] | None = None


class WindowBody(Body, frozen=True, kw_only=True):
    """An opening in a week; `end` before `start` runs across midnight."""

    weekday: Weekday
    start: Clock
    end: Clock

    def __post_init__(self) -> None:
        """An empty window is a mistake."""
        if self.start == self.end or self.start == "24:00":
            raise ValueError("the window is empty")


class ScheduleBody(Body, frozen=True, kw_only=True):
    """PUT /schedules/{id}. `special` names the special days that it heeds."""

    windows: Annotated[list[WindowBody], Meta(max_length=200)]
    special: Annotated[tuple[Id, ...], Meta(max_length=20)] = ()
    name: Label | Text | None = None


class HoursBody(Body, frozen=True, kw_only=True):
    """An opening that begins on a day; `end` before `start` runs across midnight, whatever the next day is."""

    start: Clock
    end: Clock

    def __post_init__(self) -> None:
        """An empty opening is a mistake."""
        if self.start == self.end or self.start == "24:00":
            raise ValueError("the opening is empty")


class SpecialDayBody(Body, frozen=True, kw_only=True):
    """A date on which windows of its own begin (none: nothing does), or those of another weekday (调休)."""

    date: Day
    windows: Annotated[tuple[HoursBody, ...], Meta(max_length=20)] = ()
    follows: Weekday | None = None

    def __post_init__(self) -> None:
        """The date is one, and it has windows or follows a weekday."""
        date.fromisoformat(self.date)
        if self.windows and self.follows is not None:
            raise ValueError("give windows or follows, not both")


class SpecialDaysBody(Body, frozen=True, kw_only=True):
    """PUT /special_days/{id}. Where several name one date, the highest priority decides.

    `seed: china` adds that country's holidays and make-up workdays on the dates that are not named here. Who writes a
    year all by hand leaves it out.
    """

    days: Annotated[list[SpecialDayBody], Meta(max_length=1000)]
    priority: Annotated[int, Meta(ge=0, le=1000)] = 0
    seed: Literal["china"] | None = None
    name: Label | Text | None = None

    def __post_init__(self) -> None:
        """Each date once."""
        dates = [day.date for day in self.days]
        if len(set(dates)) < len(dates):
            raise ValueError("a date stands twice")


class PolicyBody(Body, frozen=True, kw_only=True):
    """A schedule with exactly one of zone and access point; `within` takes in every zone inside the zone."""

    schedule: Id
    zone: Id | None = None
    access_point: Id | None = None
    within: bool = False

    def __post_init__(self) -> None:
        """Exactly one place, and nothing lies within an access point."""
        if (self.zone is None) == (self.access_point is None):
            raise ValueError("give exactly one of zone and access_point")
        if self.within and self.zone is None:
            raise ValueError("within needs a zone")


class ProfileBody(Body, frozen=True, kw_only=True):
    """PUT /profiles/{id}. A `responder` opens through a lockdown."""

    number: Annotated[int, Meta(ge=1, le=65535)]
    policies: Annotated[list[PolicyBody], Meta(max_length=1000)]
    responder: bool = False
    name: Label | Text | None = None
