"""Exports of footage: made by a camera's recorder; cameras of several recorders are a part each, in one zip.

An export's id names its parts, NUMBER-ID each, joined by "_": so this plane keeps nothing of it, and a part is as good
as an export of its own. Each part's manifest states the whole, by which `menjin clip verify` sees that none is missing.
"""

import zipfile
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any, NamedTuple

import httpx2

from mgmt_api.problems import Problem
from mgmt_api.recorders import RecorderAddress, Recorders

Json = dict[str, Any]
STAGES = ("failed", "working", "ready")  # the first that one of the parts is at, all are


class Part(NamedTuple):
    """What one recorder makes of an export."""

    recorder: int
    id: str

    def __str__(self) -> str:
        return f"{self.recorder}-{self.id}"


def parts_of(export: str) -> list[Part]:
    """The parts that an export's id names."""
    pairs = (each.partition("-") for each in export.split("_"))
    return [Part(int(number), id_) for number, _, id_ in pairs]


def joined(parts: Sequence[Part], told: Sequence[Json]) -> Json:
    """What is told of an export, from what its recorders tell of their parts."""
    stage = next(stage for stage in STAGES if any(each["stage"] == stage for each in told))
    name = told[0]["name"] if len(told) == 1 else f"{told[0]['name'].partition('Z-')[0]}Z-{len(told)}-recorders.zip"
    return {
        "id": "_".join(map(str, parts)),
        "stage": stage,
        "share": round(sum(each["share"] for each in told) / len(told), 3),
        "bytes": sum(each["bytes"] for each in told) if stage == "ready" else None,
        "manifest": " ".join(each["manifest"] for each in told) if stage == "ready" else None,
        "parts": sum(each["parts"] for each in told),
        "name": name,
        "failure": "; ".join(filter(None, (each["failure"] for each in told))) or None,
        "keys": sorted({each["public_key"] for each in told}),
    }


async def asked(recorders: Recorders, parts: Sequence[Part]) -> list[Json]:
    """What the recorders tell of the parts. Raises `Problem`."""
    return [await recorders.ask_json(recorders.numbered(each.recorder), "GET", f"clips/{each.id}") for each in parts]


async def zipped(recorders: Recorders, parts: Sequence[Part]) -> AsyncIterator[bytes]:
    """One zip of the parts' zips, each as its recorder made it, in the order in which they flow through."""
    target = _Target()
    with zipfile.ZipFile(target, "w") as archive:
        for part in parts:
            address = recorders.numbered(part.recorder)
            async with aclosing(_fetched(recorders, address, part)) as chunks:
                info = zipfile.ZipInfo(f"recorder-{part.recorder}.zip", datetime.now(UTC).timetuple()[:6])
                with archive.open(info, "w", force_zip64=True) as member:
                    async for chunk in chunks:
                        member.write(chunk)
                        yield target.taken()
    yield target.taken()


async def _fetched(recorders: Recorders, address: RecorderAddress, part: Part) -> AsyncGenerator[bytes]:
    answer: httpx2.Response = await recorders.stream(address, f"clips/{part.id}/file", params={}, headers={})
    try:
        async for chunk in answer.aiter_raw():
            yield chunk
    except httpx2.HTTPError as error:
        raise Problem("recorder-unreachable", type(error).__name__) from error
    finally:
        await answer.aclose()


class _Target:
    """What the zip is written to: it cannot be sought, and is taken away as it grows."""

    def __init__(self) -> None:
        self._written = bytearray()

    def write(self, data: bytes) -> int:
        self._written += data
        return len(data)

    def flush(self) -> None:
        """Nothing waits."""

    def close(self) -> None:
        """Nothing is open."""

    def taken(self) -> bytes:
        data = bytes(self._written)
        self._written.clear()
        return data
