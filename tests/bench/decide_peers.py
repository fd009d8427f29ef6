"""The same policy in pycasbin, regorus and SQLAlchemy, as their documentations would have it."""

import json
from collections.abc import Callable
from datetime import datetime

import casbin
import regorus
from casbin.model.model_fast import FastModel
from sqlalchemy import ForeignKey, StaticPool, create_engine, insert, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

from tests.bench import decide_estate as estate

Answer = Callable[[bytes, int, datetime], bool]

ESTATE = estate.SMALL

_CASBIN_MODEL = """
[request_definition]
r = sub, obj, weekday, minute
[policy_definition]
p = sub, obj, schedule
[role_definition]
g = _, _
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = r.obj == p.obj && g(r.sub, p.sub) && is_open(p.schedule, r.weekday, r.minute)
"""


def casbin_engine() -> Answer:
    """FastEnforcer, policies indexed by door. The credential and its validity come from a dict: that favours it."""
    model = FastModel([1])
    model.load_model_from_text(_CASBIN_MODEL)
    enforcer = casbin.FastEnforcer(model, cache_key_order=[1])
    weeks = [estate.windows(schedule) for schedule in range(estate.SCHEDULES)]
    enforcer.add_function(
        "is_open",
        lambda schedule, weekday, minute: any(w[0] == weekday and w[1] <= minute < w[2] for w in weeks[int(schedule)]),
    )
    enforcer.add_policies([[f"p-{a}", f"ap-{b}", str(c)] for a, b, c in ESTATE.policies()])
    cards: dict[bytes, tuple[str, int | None]] = {}
    roles = []
    for resident, profiles, valid_to in ESTATE.links():
        cards[estate.key_of(resident)] = (f"r-{resident}", valid_to)
        roles += [[f"r-{resident}", f"p-{profile}"] for profile in profiles]
    enforcer.add_grouping_policies(roles)

    def answer(key: bytes, point: int, at: datetime) -> bool:
        subject, valid_to = cards.get(key, (None, None))
        if subject is None or (valid_to is not None and at.timestamp() >= valid_to):
            return False
        return bool(enforcer.enforce(subject, f"ap-{point}", at.isoweekday(), at.hour * 60 + at.minute))

    return answer


_REGO = """
package menjin
import rego.v1
default allow := false
allow if {
    card := data.cards[input.key]
    input.now < card.valid_to
    some profile in card.profiles
    some window in data.schedules[data.doors[input.point][profile]]
    window[0] == input.weekday
    window[1] <= input.minute
    input.minute < window[2]
}
"""


def regorus_engine() -> Answer:
    """The whole policy in Rego, doors indexed by profile."""
    engine = regorus.Engine()
    engine.add_policy("menjin.rego", _REGO)
    doors: dict[str, dict[str, str]] = {}
    for profile, point, schedule in ESTATE.policies():
        doors.setdefault(f"ap-{point}", {})[f"p-{profile}"] = str(schedule)
    cards = {
        estate.key_of(resident).hex(): {"valid_to": valid_to or 2**40, "profiles": [f"p-{each}" for each in profiles]}
        for resident, profiles, valid_to in ESTATE.links()
    }
    schedules = {str(schedule): estate.windows(schedule) for schedule in range(estate.SCHEDULES)}
    engine.add_data_json(json.dumps({"cards": cards, "doors": doors, "schedules": schedules}))

    def answer(key: bytes, point: int, at: datetime) -> bool:
        asked = {"key": key.hex(), "point": f"ap-{point}", "now": at.timestamp(), "weekday": at.isoweekday()}
        engine.set_input_json(json.dumps(asked | {"minute": at.hour * 60 + at.minute}))
        return bool(engine.eval_rule("data.menjin.allow"))

    return answer


class _Base(DeclarativeBase):
    pass


class _Credential(_Base):
    __tablename__ = "credential"
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[bytes] = mapped_column(unique=True)
    valid_to: Mapped[int | None]
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
    found = list(ESTATE.links())
    with engine.begin() as connection:
        connection.execute(
            insert(_Credential), [{"id": n, "key": estate.key_of(n), "valid_to": valid_to} for n, _, valid_to in found]
        )
        connection.execute(insert(_Link), [{"credential": n, "profile": p} for n, ps, _ in found for p in ps])
        connection.execute(
            insert(_Policy), [{"profile": a, "point": b, "schedule": c} for a, b, c in ESTATE.policies()]
        )
        connection.execute(
            insert(_Window),
            [
                {"schedule": n, "weekday": weekday, "start": start, "end": end}
                for n in range(estate.SCHEDULES)
                for weekday, start, end in estate.windows(n)
            ],
        )

    def answer(key: bytes, point: int, at: datetime) -> bool:
        with Session(engine) as session:
            card = session.scalar(select(_Credential).where(_Credential.key == key))
            if card is None or (card.valid_to is not None and at.timestamp() >= card.valid_to):
                return False
            minute = at.hour * 60 + at.minute
            open_policy = (
                select(_Policy)
                .join(_Link, _Link.profile == _Policy.profile)
                .join(_Window, _Window.schedule == _Policy.schedule)
                .where(_Link.credential == card.id, _Policy.point == point)
                .where(_Window.weekday == at.isoweekday(), _Window.start <= minute, minute < _Window.end)
            )
            return session.scalar(open_policy.limit(1)) is not None

    return answer
