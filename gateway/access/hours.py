"""Which schedules are open in which minute of the site's time, and which records are still fresh in it."""

from collections.abc import Sequence
from datetime import datetime, tzinfo

from gateway.access.lease import DEFAULT_LEASES, Leases
from gateway.access.schedule import DAY_MINUTES, Times, minute_of_week

Minute = tuple[float, float, bytes, Leases, tuple[int, ...], int, int]
"""A minute in a plain tuple, which is taken apart soonest: since and until (Unix seconds, until exclusive); by a
schedule's number in the file 1 if it is open; leases, and by their classes the latest `refreshed_at` that they do not
bear to the minute's end; the minute of the week (0 is Monday 00:00), the day (`date.toordinal()`)."""
NO_MINUTE: Minute = (0.0, 0.0, b"", DEFAULT_LEASES, (), 0, 0)


class Hours:
    """The time of one site for one table.

    What does not change within the minute, or the day, is worked out once. Threads may ask side by side.

    Args:
        tz: the site's time zone.
        schedules: by their numbers in the file.
    """

    def __init__(self, tz: tzinfo, schedules: Sequence[Times]) -> None:
        self._tz, self._schedules = tz, schedules
        self.kept = [NO_MINUTE]  # the minute asked for last, alone in a list: so that it can be put anew
        self._today = -1, list[bytes]()  # a day, and by schedule its minute bits

    def minute(self, now: float, leases: Leases) -> Minute:
        """The minute of this time (Unix seconds). Clocks of our time change at whole minutes."""
        found = self.kept[0]
        since, until, _, for_leases, *_ = found
        if not (since <= now < until and leases is for_leases):
            self.kept[0] = found = self._minute(now // 60 * 60, leases)
        return found

    def _minute(self, since: float, leases: Leases) -> Minute:
        local = datetime.fromtimestamp(since, self._tz)
        of_week, day, until = minute_of_week(local), local.toordinal(), since + 60
        byte, bit = divmod(of_week % DAY_MINUTES, 8)
        is_open = bytes([bits[byte] >> bit & 1 for bits in self._of_day(day)])
        stale = tuple(-1 if lease_s is None else int(until) - lease_s for lease_s in leases)
        return since, until, is_open, leases, stale, of_week, day

    def _of_day(self, day: int) -> Sequence[bytes]:
        known, bits = self._today
        if day != known:
            bits = [times.of_day(day) for times in self._schedules]
            self._today = day, bits
        return bits
