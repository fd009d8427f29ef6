"""The same policy in pycasbin, regorus and SQLAlchemy, as their documentations would have it."""

import json
from collections.abc import Callable, Iterator
from datetime import datetime

import casbin
import regorus
from casbin.model.model_fast import FastModel
from sqlalchemy import ForeignKey, StaticPool, case, create_engine, insert, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

from tests.bench import decide_estate as estate

Answer = Callable[[bytes, int, datetime], bool]

ESTATE = estate.SMALL

_CASBIN_MODEL = """
[request_definition]
r = sub, obj, date, weekday, minute
[policy_definition]
p = sub, obj, schedule
[role_definition]
g = _, _
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = r.obj == p.obj && g(r.sub, p.sub) && is_open(p.schedule, r.date, r.weekday, r.minute)
"""


def casbin_engine() -> Answer:
    """FastEnforcer, policies indexed by door. What is on the card and the door comes from dicts: that favours it."""
    model = FastModel([1])
    model.load_model_from_text(_CASBIN_MODEL)
    enforcer = casbin.FastEnforcer(model, cache_key_order=[1])
    weeks = [estate.windows(schedule) for schedule in range(estate.SCHEDULES)]

    def is_open(schedule: str, date: str, weekday: int, minute: int) -> bool:
        if estate.heeds(int(schedule)):
            weekday = estate.CALENDAR.get(date, weekday) or 0
        return any(w[0] == weekday and w[1] <= minute < w[2] for w in weeks[int(schedule)])

    enforcer.add_function("is_open", is_open)
    enforcer.add_policies([[f"p-{a}", f"ap-{b}", str(c)] for a, b, c in ESTATE.policies()])
    cards: dict[bytes, estate.Holder] = {}
    roles = []
    for holder in ESTATE.holders():
        cards[estate.key_of(holder.number)] = holder
        roles += [[f"r-{holder.number}", f"p-{profile}"] for profile in holder.profiles]
    enforcer.add_grouping_policies(roles)

    def answer(key: bytes, point: int, at: datetime) -> bool:
        card = cards.get(key)
        if card is None or not _stands(card, at.timestamp()) or estate.least_assurance(point) > estate.ASSURANCE:
            return False
        day = at.date().isoformat(), at.isoweekday(), at.hour * 60 + at.minute
        return bool(enforcer.enforce(f"r-{card.number}", f"ap-{point}", *day))

    return answer


def _stands(card: "estate.Holder | _Credential", now: float) -> bool:
    """Enabled, valid, and confirmed within the lease of its class."""
    return (
        card.state == "enabled"
        and (card.valid_from is None or now >= card.valid_from)
        and (card.valid_to is None or now < card.valid_to)
        and now < card.refreshed_at + estate.LEASES_S[card.class_]
    )


_REGO = """
package menjin
import rego.v1
default allow := false
allow if {
    card := data.cards[input.key]
    card.state == "enabled"
    input.now >= card.valid_from
    input.now < card.valid_to
    input.now < card.refreshed_at + data.leases[card.class]
    door := data.doors[input.point]
    input.assurance >= door.least
    some profile in card.profiles
    schedule := data.schedules[door.schedules[profile]]
    weekday := {true: object.get(data.calendar, input.date, input.weekday), false: input.weekday}[schedule.heeds]
    some window in schedule.windows
    window[0] == weekday
    window[1] <= input.minute
    input.minute < window[2]
}
"""


def regorus_engine() -> Answer:
    """The whole policy in Rego, doors indexed by profile."""
    engine = regorus.Engine()
    engine.add_policy("menjin.rego", _REGO)
    doors: dict[str, dict[str, object]] = {
        f"ap-{n}": {"least": estate.least_assurance(n), "schedules": {}} for n in range(ESTATE.points)
    }
    for profile, point, schedule in ESTATE.policies():
        doors[f"ap-{point}"]["schedules"] |= {f"p-{profile}": str(schedule)}  # type: ignore[operator]  # plain JSON
    cards = {
        estate.key_of(holder.number).hex(): {
            "state": holder.state,
            "class": holder.class_,
            "valid_from": holder.valid_from or 0,
            "valid_to": holder.valid_to or 2**40,
            "refreshed_at": holder.refreshed_at,
            "profiles": [f"p-{each}" for each in holder.profiles],
        }
        for holder in ESTATE.holders()
    }
    schedules = {str(n): {"windows": estate.windows(n), "heeds": estate.heeds(n)} for n in range(estate.SCHEDULES)}
    calendar = {date: follows or 0 for date, follows in estate.CALENDAR.items()}
    data = {"cards": cards, "doors": doors, "schedules": schedules, "calendar": calendar, "leases": estate.LEASES_S}
    engine.add_data_json(json.dumps(data))

    def answer(key: bytes, point: int, at: datetime) -> bool:
        asked = {"key": key.hex(), "point": f"ap-{point}", "assurance": estate.ASSURANCE, "now": at.timestamp()}
        day = {"date": at.date().isoformat(), "weekday": at.isoweekday(), "minute": at.hour * 60 + at.minute}
        engine.set_input_json(json.dumps(asked | day))
        return bool(engine.eval_rule("data.menjin.allow"))

    return answer


class _Base(DeclarativeBase):
    pass


class _Credential(_Base):
    __tablename__ = "credential"
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[bytes] = mapped_column(unique=True)
    state: Mapped[str]
    class_: Mapped[str]
    valid_from: Mapped[int | None]
    valid_to: Mapped[int | None]
    refreshed_at: Mapped[int]
    links: Mapped[list["_Link"]] = relationship()


class _Link(_Base):
    __tablename__ = "link"
    credential: Mapped[int] = mapped_column(ForeignKey("credential.id"), primary_key=True)
    profile: Mapped[int] = mapped_column(primary_key=True)


class _Policy(_Base):
    __tablename__ = "policy"
    profile: Mapped[int] = mapped_column(primary_key=True)
    point: Mapped[int] = mapped_column(primary_key=True)
    schedule: Mapped[int]


class _Point(_Base):
    __tablename__ = "point"
    id: Mapped[int] = mapped_column(primary_key=True)
    least_assurance: Mapped[int]


class _Schedule(_Base):
    __tablename__ = "schedule"
    id: Mapped[int] = mapped_column(primary_key=True)
    heeds: Mapped[bool]


class _SpecialDay(_Base):
    __tablename__ = "special_day"
    date: Mapped[str] = mapped_column(primary_key=True)
    follows: Mapped[int]  # 0 is closed


class _Window(_Base):
    __tablename__ = "window"
    schedule: Mapped[int] = mapped_column(primary_key=True)
    weekday: Mapped[int] = mapped_column(primary_key=True)
    start: Mapped[int]
    end: Mapped[int]


def sqlalchemy_engine() -> Answer:
    """A session a request on SQLite in memory, every table indexed by what is asked."""
    engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    _Base.metadata.create_all(engine)
    with engine.begin() as connection:
        for table, rows in _sql_rows():
            connection.execute(insert(table), rows)

    def answer(key: bytes, point: int, at: datetime) -> bool:
        with Session(engine) as session:
            card = session.scalar(select(_Credential).where(_Credential.key == key))
            if card is None or not _stands(card, at.timestamp()):
                return False
            if session.get_one(_Point, point).least_assurance > estate.ASSURANCE:
                return False
            minute, weekday = at.hour * 60 + at.minute, at.isoweekday()
            special = session.get(_SpecialDay, at.date().isoformat())
            follows = weekday if special is None else special.follows
            open_policy = (
                select(_Policy)
                .join(_Link, _Link.profile == _Policy.profile)
                .join(_Schedule, _Schedule.id == _Policy.schedule)
                .join(_Window, _Window.schedule == _Policy.schedule)
                .where(_Link.credential == card.id, _Policy.point == point)
                .where(_Window.weekday == case((_Schedule.heeds, follows), else_=weekday))
                .where(_Window.start <= minute, minute < _Window.end)
            )
            return session.scalar(open_policy.limit(1)) is not None

    return answer


def _sql_rows() -> Iterator[tuple[type[_Base], list[dict[str, object]]]]:
    holders, schedules = list(ESTATE.holders()), range(estate.SCHEDULES)
    cards = [each._asdict() | {"id": each.number, "key": estate.key_of(each.number)} for each in holders]
    yield _Credential, [{name: row[name] for name in row if name not in ("number", "profiles")} for row in cards]
    yield _Link, [{"credential": each.number, "profile": p} for each in holders for p in each.profiles]
    yield _Policy, [{"profile": a, "point": b, "schedule": c} for a, b, c in ESTATE.policies()]
    yield _Point, [{"id": n, "least_assurance": estate.least_assurance(n)} for n in range(ESTATE.points)]
    yield _Schedule, [{"id": n, "heeds": estate.heeds(n)} for n in schedules]
    yield _SpecialDay, [{"date": date, "follows": follows or 0} for date, follows in estate.CALENDAR.items()]
    yield (
        _Window,
        [
            {"schedule": n, "weekday": weekday, "start": start, "end": end}
            for n in schedules
            for weekday, start, end in estate.windows(n)
        ],
    )
