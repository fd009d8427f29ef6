"""The times that commands take: of the years that a code's four bytes of Unix seconds hold in every time zone."""

from datetime import datetime, tzinfo

from mgmt_api.cli.output import Exit, stop

FIRST_YEAR, LAST_YEAR = 1971, 2105


def unix_s(at: datetime, tz: tzinfo | None = None) -> float:
    """Unix seconds; without a zone of its own a time is `tz`'s, or else this machine's."""
    if not FIRST_YEAR <= at.year <= LAST_YEAR:
        years = f"years {FIRST_YEAR} to {LAST_YEAR} alone / 年份须在 {FIRST_YEAR} 至 {LAST_YEAR} 之间"
        stop(f"{at.isoformat(timespec='minutes')}: {years}", Exit.USAGE)
    return (at if at.tzinfo or tz is None else at.replace(tzinfo=tz)).timestamp()
