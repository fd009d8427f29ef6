"""People at all doors at once: cards at readers, passes at a scanner, as fast as doors take them."""

import random
import secrets
import threading
import time
from collections.abc import Iterator
from itertools import cycle

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from gateway.access import mj1
from simulators.control import DeviceError
from simulators.estate import Card
from tests.faults.grounds import Grounds

VISITOR_PROFILE, HOUR_S = 20, 3600
PAUSE_S = 0.04


class Visitor:
    """A single-use pass, signed by the site's issuer."""

    def __init__(self, ground: Grounds) -> None:
        key = load_pem_private_key(ground.site.secret("issuer.pem").read_bytes(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        id_, now = secrets.token_bytes(8), int(time.time())
        site = ground.site.estate.site_id
        signed = mj1.pass_signed(0, id_, site, now - 60, now + 4 * HOUR_S, VISITOR_PROFILE, max_uses=1)
        r, s = decode_dss_signature(key.sign(signed, ec.ECDSA(hashes.SHA256())))
        self.id = id_.hex()
        self.text = mj1.encode(signed, r.to_bytes(32) + s.to_bytes(32))


class Crowd:
    """Residents of building 1 who come one after another, each at the next door."""

    def __init__(self, ground: Grounds, doors: tuple[str, ...], seed: int = 1) -> None:
        self.visitor: Visitor | None = None
        self._ground, self._doors = ground, doors
        cards = ground.site.estate.cards_of("building-1")
        random.Random(seed).shuffle(cards)
        self._cards: Iterator[Card] = cycle(cards)

    def come(self) -> None:
        """One card at each door, and the visitor at the gate."""
        for door in self._doors:
            card = next(self._cards)
            read = {"bits": f"{card.bits[0]:x}", "count": card.bits[1]}
            if door == "garage-door":
                self._ground.garage.call("present", **read)
            else:
                self._ground.readers.call("present", reader=door, **read)
        if self.visitor is not None:
            self._ground.scanners.call("show", scanner="scanner-main", text=self.visitor.text)

    def rush(self, stop: threading.Event) -> threading.Thread:
        """They come until `stop`."""

        def run() -> None:
            while not stop.wait(PAUSE_S):
                try:
                    self.come()
                except DeviceError:  # the device is being ended
                    return

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        return thread
