"""The register of who saw which footage, and why: lines of the audit. A look that goes on is not told twice.

Footage is looked at in blocks of ten minutes of its own time: a line says which blocks somebody saw for the first time
within a quarter of an hour, with his reason. A plane that starts anew tells once more; it never tells too little.
"""

from collections import OrderedDict
from collections.abc import Hashable, Iterator, Sequence
from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING

from mgmt_api import audit
from mgmt_api.moments import iso

if TYPE_CHECKING:
    from mgmt_api.plane import Plane

BLOCK_S, AGAIN_S, MOST = 600, 900, 50_000


class Deed(StrEnum):
    """What the register tells: the audit's actions with footage."""

    WATCH = "footage.watch"
    PREVIEW = "footage.preview"
    STILL = "footage.still"
    LIVE = "footage.live"
    EXPORT = "footage.export"
    FETCH = "footage.fetch"
    HOLD = "footage.hold"
    LIFT = "footage.lift"


class Looks:
    """Which looks were told lately. At most `MOST`; the oldest go first, and are told again."""

    def __init__(self) -> None:
        self._told: OrderedDict[Hashable, float] = OrderedDict()

    def fresh(self, look: Hashable, now: float) -> bool:
        """Whether this look was not told within `AGAIN_S`; it counts as told from now on."""
        told = self._told.get(look)
        if told is not None and 0 <= now - told < AGAIN_S:
            return False
        self._told[look] = now
        self._told.move_to_end(look)
        if len(self._told) > MOST:
            self._told.popitem(last=False)
        return True


def looked(
    plane: "Plane", who: tuple[str, str], deed: Deed, camera: str, span: tuple[float, float], reason: str
) -> None:
    """Write down that somebody sees a camera's footage of [from, to). Blocks on the database."""
    now = plane.clock()
    blocks = range(int(span[0] // BLOCK_S), int(span[1] // BLOCK_S) + 1)
    fresh = [n for n in blocks if plane.looks.fresh((who[0], deed, camera, reason, n), now)]
    with_ends = list(_stretches(fresh))
    if not with_ends:
        return
    with plane.database.write() as session:
        for first, last in with_ends:
            detail = {"from": iso(first * BLOCK_S), "to": iso((last + 1) * BLOCK_S), "reason": reason}
            audit.append(session, plane.keys, now, who, deed, camera, **detail)


def looked_live(plane: "Plane", who: tuple[str, str], session_: bytes, camera: str) -> None:
    """Write down that somebody opened a live picture: once a sign-in and camera within a while."""
    now = plane.clock()
    if plane.looks.fresh((session_, Deed.LIVE, camera), now):
        with plane.database.write() as session:
            audit.append(session, plane.keys, now, who, Deed.LIVE, camera)


def _stretches(blocks: Sequence[int]) -> Iterator[tuple[int, int]]:
    """(first, last) of blocks that follow each other."""
    cuts = [n for n, (a, b) in enumerate(pairwise(blocks), 1) if b != a + 1]
    for begin, end in pairwise([0, *cuts, len(blocks)]) if blocks else ():
        yield blocks[begin], blocks[end - 1]
