"""How long will the disk keep footage at today's rate? Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

DAY_S = 86_400.0
LEAST_S = 600.0  # of footage; less says nothing of a day


@dataclass(frozen=True, slots=True)
class Rate:
    """What a camera recorded lately: bytes, and seconds of footage."""

    bytes: int
    seconds: float
    max_age_s: float | None = None
    max_bytes: int | None = None
    min_age_s: float = 0.0

    @property
    def bytes_per_day(self) -> float:
        """Return what a day without a gap takes; 0 while too little is known."""
        return self.bytes / self.seconds * DAY_S if self.seconds >= LEAST_S else 0.0

    @property
    def most_bytes(self) -> float:
        """Return what it takes once as old as it may get."""
        grown = self.bytes_per_day * (self.max_age_s or 0.0) / DAY_S
        return min(grown, self.max_bytes) if self.max_bytes else grown


NONE = Rate(0, 0.0)


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


def forecast(rates: Mapping[str, Rate], room_bytes: float, snapshots: Rate = NONE) -> Forecast:
    """Return how long `room_bytes`, all that is kept and free space together, last.

    The pictures of events get what they want. A camera with a bound of bytes takes no more than that; the others share
    what is left by their rates.
    """
    known = {name: rate for name, rate in rates.items() if rate.bytes_per_day}
    total = sum(rate.bytes_per_day for rate in known.values())
    wanted = max((rate.max_age_s for rate in rates.values() if rate.max_age_s), default=None)
    wanted_days = wanted / DAY_S if wanted else None
    if not known:
        return Forecast(0, None, wanted_days, ())
    bound = {name: rate.max_bytes for name, rate in known.items() if rate.max_bytes}
    free = {name: rate for name, rate in known.items() if name not in bound}
    shared = sum(rate.bytes_per_day for rate in free.values())
    keeps = {name: bound[name] / known[name].bytes_per_day for name in bound}
    left = max(0.0, room_bytes - snapshots.most_bytes - sum(bound.values()))
    keeps |= dict.fromkeys(free, left / shared)
    short = sorted(name for name, days in keeps.items() if (age := known[name].max_age_s) and days * DAY_S < age)
    unlawful = sorted(name for name, days in keeps.items() if days * DAY_S < known[name].min_age_s)
    legal_days = max((known[name].min_age_s for name in unlawful), default=0.0) / DAY_S
    keeps_days = round(min(keeps.values()), 2)
    stay = snapshots.most_bytes / snapshots.bytes_per_day if snapshots.bytes_per_day else None
    cut = stay is not None and stay * DAY_S < snapshots.min_age_s
    return Forecast(round(total), keeps_days, wanted_days, tuple(short), tuple(unlawful), legal_days, stay, cut)
