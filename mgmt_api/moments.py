"""Times on the wire: ISO 8601 in UTC with milliseconds for people and central, Unix seconds for gateways."""

from datetime import UTC, datetime

LATEST = 253_402_300_799  # the end of year 9999: the last moment that ISO 8601 writes with four digits


def iso(unix_s: float) -> str:
    """2026-11-23T08:00:00.000Z."""
    return datetime.fromtimestamp(unix_s, UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
