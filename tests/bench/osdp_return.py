"""A cable that is back: how long until its readers are on line, beside the bits that their secure handshakes need.

libosdp's C peripherals on paced lines, one at either rate at the same time. From the cable's return to the last byte of
the last reader's RMAC_I: all readers of a line, and one of eight that are cut off while eight others are on line.
"""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from tests.bench.osdp import CHAR_BITS, line, row
from tests.controllers.line import HANDSHAKE_CHARS, Peer

BAUDS = (9600, 115200)
READERS = (1, 8, 16, 32)
SILENCES_S = 0.6  # until a reader counts as off line
ALONE_S = 4.0
ALIVE, DEAD, TIMES = 8, 8, 5


def run() -> list[dict[str, object]]:
    """Rows of name, value, unit, peer, ratio (the wire's time by ours), spread. About 100 s."""
    return [each for readers in READERS for each in _both(partial(_all_back, readers))] + _both(_one_back)


def _both(measured: "partial[dict[str, object]]") -> list[dict[str, object]]:
    with ThreadPoolExecutor(len(BAUDS)) as lines:
        return list(lines.map(measured, BAUDS))


def _all_back(readers: int, baud: int) -> dict[str, object]:
    wire_s = readers * HANDSHAKE_CHARS * CHAR_BITS / baud
    with line("menjin", baud, readers) as (peer, _host):
        peer.tell(do="part", pds=list(range(readers)))
        time.sleep(readers * SILENCES_S + 1)
        backs = list(_backs(peer, [], wire_s * 1.5 + 2))
    assert len(backs) == readers, f"{len(backs)} of {readers} came back"
    name = f"cable back to the last of {readers} on line, {baud} baud"
    return _beside(name, backs, wire_s)


def _one_back(baud: int) -> dict[str, object]:
    dead, backs = list(range(ALIVE, ALIVE + DEAD)), []
    with line("menjin", baud, ALIVE + DEAD) as (peer, _host):
        for back in dead[:TIMES]:
            peer.tell(do="part", pds=dead)
            time.sleep(DEAD * SILENCES_S + 1)
            backs += _backs(peer, [pd for pd in dead if pd != back], ALONE_S)
    assert len(backs) == TIMES, f"{len(backs)} of {TIMES} came back"
    name = f"cable back to one of {DEAD} dead on line beside {ALIVE} alive, {baud} baud, worst"
    return _beside(name, backs, HANDSHAKE_CHARS * CHAR_BITS / baud)


def _backs(peer: Peer, still_cut: list[int], within_s: float) -> Iterator[float]:
    """When the channels of those that are joined opened, seconds after the cable was back."""
    peer.tell(do="mark")
    began = time.monotonic()
    peer.tell(do="part", pds=still_cut)
    time.sleep(within_s)
    peer.tell(do="marked")
    for side, _, at in peer.expect("marked")["marked"]:
        if side == "channel":
            yield at - began


def _beside(name: str, backs: list[float], wire_s: float) -> dict[str, object]:
    spread = f"{min(backs):.2f} to {max(backs):.2f}"
    return row(name, max(backs), "s", f"the wire's bits {wire_s:.2f}", wire_s / max(backs), None) | {"spread": spread}
