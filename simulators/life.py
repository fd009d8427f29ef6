"""A quiet day on the estate: somebody comes home every few seconds, somebody forgets, somebody tries."""

import random
import threading
from collections.abc import Callable, Sequence

from simulators.control import DeviceError
from simulators.estate import Estate
from simulators.legs.watch import LOCKS, hardware
from simulators.phone import live_code
from simulators.site import PLATE_CAMERA
from simulators.stage import Stage
from simulators.wiegand import Bits, h10301

PAUSE_S = (2.0, 6.0)
WALK_S, BLIND_S = 3.0, 14.0  # along the lane behind the gate; with a bag over the camera
DOORS = tuple(LOCKS)


class Life:
    """People who move about until told to stop."""

    def __init__(self, stage: Stage, say: Callable[[str], None], seed: int | None = None) -> None:
        self._stage = stage
        self._say = say
        self._dice = random.Random(seed)
        self._stop = threading.Event()

    def run(self, stop: threading.Event) -> None:
        """One deed after another."""
        self._stop = stop
        deeds: Sequence[tuple[int, Callable[[Estate], str]]] = (
            (36, self._comes_home),
            (12, self._shows_phone),
            (6, self._drives_in),
            (3, self._walks_out),
            (6, self._wrong_building),
            (3, self._stranger),
            (3, self._changes_mind),
            (2, self._slips_in),
            (1, self._covers_camera),
        )
        weights = [weight for weight, _ in deeds]
        while not stop.wait(self._dice.uniform(*PAUSE_S)):
            _, deed = self._dice.choices(deeds, weights)[0]
            try:
                self._say(deed(self._stage.site.estate))
            except DeviceError as error:
                self._say(f"a device did not answer: {error}")

    def _comes_home(self, estate: Estate) -> str:
        door = self._dice.choice(DOORS)
        card = self._dice.choice(estate.cards_of("building-1"))
        self._hold(door, card.bits, walk=True)
        if door == "main-gate":
            self._walks()
        return f"{card.resident} comes in at {door} by card"

    def _shows_phone(self, estate: Estate) -> str:
        phone = self._dice.choice(estate.phones_of("building-1"))
        scanner, door = self._dice.choice((("scanner-main", "main-gate"), ("scanner-b1", "building-1")))
        self._stage.scanners.call("show", scanner=scanner, text=live_code(phone, estate.site_id))
        return f"{phone.resident} shows a live code at {door}"

    def _drives_in(self, estate: Estate) -> str:
        car = self._dice.choice(estate.cars)
        self._stage.scanners.call("show", scanner=PLATE_CAMERA, text=car.plate, coding="gb18030")
        return f"{car.resident} drives into the garage"

    def _walks_out(self, _: Estate) -> str:
        for pressed in (True, False):
            self._stage.readers.call("button", reader=LOCKS["building-1"], pressed=pressed, walk=pressed)
        return "somebody leaves building-1 by the button"

    def _wrong_building(self, estate: Estate) -> str:
        card = self._dice.choice(estate.cards_of("building-3"))
        self._hold("building-1", card.bits)
        return f"{card.resident} of building 3 tries building 1"

    def _stranger(self, _: Estate) -> str:
        door = self._dice.choice(DOORS)
        self._hold(door, h10301(self._dice.randrange(100, 256), self._dice.randrange(60_000, 65_536)))
        return f"an unknown card at {door}"

    def _changes_mind(self, estate: Estate) -> str:
        card = self._dice.choice(estate.cards_of("building-1"))
        self._hold("main-gate", card.bits)
        return f"{card.resident} opens main-gate and walks away"

    def _slips_in(self, _: Estate) -> str:
        self._walks()
        return "somebody walks in behind the main gate, and no card was shown"

    def _covers_camera(self, _: Estate) -> str:
        self._stage.tell_camera("see /garage black")
        self._stop.wait(BLIND_S)
        self._stage.tell_camera("see /garage well")
        return "a bag hung over the garage's camera for a while"

    def _walks(self) -> None:
        """Along the lane that the gate's camera watches."""
        self._stage.tell_camera("walk /gate on")
        self._stop.wait(WALK_S)
        self._stage.tell_camera("walk /gate off")

    def _hold(self, door: str, bits: Bits, walk: bool = False) -> None:
        where = {} if door == "garage" else {"reader": LOCKS[door]}
        hardware(self._stage, door).call("present", bits=f"{bits[0]:x}", count=bits[1], walk=walk, **where)
