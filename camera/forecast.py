"""How long will the disk keep footage at today's rate? Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf

DAY_S = 86_400.0
LEAST_S = 600.0  # less says nothing of a day


@dataclass(frozen=True, slots=True)
class Rate:
    """What was kept of a camera lately, and in how many seconds: with the gaps, and what was not worth keeping."""

    bytes: int
    seconds: float
    max_age_s: float | None = None
    max_bytes: int | None = None
    min_age_s: float = 0.0

    @property
    def bytes_per_day(self) -> float:
        """Return what a day takes; 0 while too little is known."""
        return self.bytes / self.seconds * DAY_S if self.seconds >= LEAST_S else 0.0

    @property
    def most_bytes(self) -> float:
        """Return what it takes once as old as it may get."""
        grown = inf if self.max_age_s is None else self.bytes_per_day * self.max_age_s / DAY_S
        return min(grown, inf if self.max_bytes is None else self.max_bytes)


NONE = Rate(0, 0.0, max_age_s=0.0)


@dataclass(frozen=True, slots=True)
class Room:
    """A disk: what is recorded to it, and its bytes for that: free ones, and those of what may go for it."""

    rates: Mapping[str, Rate]
    bytes: float

    def keeps(self) -> dict[str, float]:
        """Return the days that each camera's footage stays; without those of whom too little is known."""
        known = {name: rate for name, rate in self.rates.items() if rate.bytes_per_day}
        level = self._level_days(known)
        bounds = {name: inf if rate.max_bytes is None else rate.max_bytes for name, rate in known.items()}
        return {name: min(level, bounds[name] / rate.bytes_per_day) for name, rate in known.items()}

    def _level_days(self, known: Mapping[str, Rate]) -> float:
        """Return how old footage gets: the oldest goes first, whoever's it is.

        A camera with a bound of bytes takes no more than that, nor more than its age needs.
        """
        left, per_day = max(0.0, self.bytes), sum(rate.bytes_per_day for rate in known.values())
        bound = [(rate.most_bytes / rate.bytes_per_day, rate) for rate in known.values() if rate.max_bytes]
        for days, rate in sorted(bound, key=lambda each: each[0]):
            if days * per_day >= left:
                return left / per_day
            left, per_day = left - rate.most_bytes, per_day - rate.bytes_per_day
        return left / per_day if len(bound) < len(known) else inf


@dataclass(frozen=True, slots=True)
class Forecast:
    """Days that fit; None while no camera has recorded long enough.

    `short` are cameras that get less than they want, `unlawful` those that get less than the law wants: `legal_days`.
    """

    bytes_per_day: int
    keeps_days: float | None
    wanted_days: float | None
    short: tuple[str, ...]
    unlawful: tuple[str, ...] = ()
    legal_days: float = 0.0
    snapshot_days: float | None = None  # of the pictures of events; None: there are none yet
    snapshot_short: bool = False

    @property
    def words(self) -> dict[str, str]:
        """Return the sentence for people."""
        if self.keeps_days is None:
            return {"zh": "录像时间太短，暂无法预测", "en": "Too little footage yet for a forecast"}
        zh, en = f"按今天的码率，此磁盘可保存 {self.keeps_days:.0f} 天", f"This disk keeps {self.keeps_days:.0f} days"
        en += " at today's rate"
        if self.short:
            wanted = f"{self.wanted_days or 0:.0f}"
            zh, en = f"{zh}，不足要求的 {wanted} 天", f"{en}, not the {wanted} that are asked for"
        if self.unlawful:
            legal, names = f"{self.legal_days:.0f}", ", ".join(self.unlawful)
            zh = f"{zh}；低于法定最短 {legal} 天：{names}"
            en = f"{en}; less than the {legal} that the law asks for: {names}"
        if self.snapshot_short:
            zh = f"{zh}；事件图片只能保存 {self.snapshot_days:.0f} 天"
            en = f"{en}; pictures of events stay for {self.snapshot_days:.0f} days only"
        return {"zh": zh, "en": en}


def forecast(rooms: Sequence[Room], snapshots: Rate = NONE) -> Forecast:
    """Return how long the disks last. The first has the pictures of events too, which get what they want."""
    rooms = [replace(room, bytes=room.bytes - (0 if n else snapshots.most_bytes)) for n, room in enumerate(rooms)]
    rates = [(name, rate) for room in rooms for name, rate in room.rates.items()]
    wanted = max((rate.max_age_s for _, rate in rates if rate.max_age_s), default=None)
    wanted_days = wanted / DAY_S if wanted else None
    keeps: dict[str, float] = {}
    for name, days in (kept for room in rooms for kept in room.keeps().items()):
        keeps[name] = min(days, keeps.get(name, days))
    if not keeps:
        return Forecast(0, None, wanted_days, ())
    known = dict(rates)
    short = sorted(name for name, days in keeps.items() if (age := known[name].max_age_s) and days * DAY_S < age)
    unlawful = sorted(name for name, days in keeps.items() if days * DAY_S < known[name].min_age_s)
    legal_days = max((known[name].min_age_s for name in unlawful), default=0.0) / DAY_S
    total, keeps_days = sum(rate.bytes_per_day for _, rate in rates), round(min(keeps.values()), 2)
    stay = snapshots.most_bytes / snapshots.bytes_per_day if snapshots.bytes_per_day else None
    cut = stay is not None and stay * DAY_S < snapshots.min_age_s
    return Forecast(round(total), keeps_days, wanted_days, tuple(short), tuple(unlawful), legal_days, stay, cut)
