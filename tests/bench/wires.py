"""Read to command over the network's wires: UHPPOTE boards by UDP, our dialect over a real mosquitto.

Each is measured at the device: from its packet that tells of a card to the one that opens, with the whole door process
between them (decision, journal on the disk, command). The peer in the same run is the least that can be: the bare
library answering each card at once, without a table, a journal or a check.
"""

import asyncio
import json
import multiprocessing
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from uhppoted import decode  # type: ignore[import-untyped] # the library has no types
from uhppoted.uhppote_async import UhppoteAsync  # type: ignore[import-untyped] # the library has no types

from controllers.mqtt import MqttDriver
from controllers.uhppote import BoardReader, UhppoteBoard, UhppoteDriver
from controllers.wiegand import encode
from gateway.site import Reader
from simulators import broker
from simulators.diary import Diary
from simulators.uhppote_board import Board
from tests.bench.whole_door import CARDS, serve

Row = dict[str, object]
SWIPES, PAUSE_S, LATEST_S = 200, 0.03, 5.0
SERIAL, FACILITY, DEVICE = 405419896, 7, "gate"
SPAWN = multiprocessing.get_context("spawn")


def run() -> list[Row]:
    """Rows of name, value, unit, peer, ratio (how many times better than the peer), spread. About 60 s."""
    return [
        *_rows("uhppote", "uhppoted alone", _uhppote(_door_of_board), _uhppote(_bare_board)),
        *_rows("mqtt", "paho alone", _mqtt(_door_of_broker), _mqtt(_bare_broker)),
    ]


def _rows(wire: str, peer: str, ours_ms: list[float], theirs_ms: list[float]) -> Iterator[Row]:
    for name, of in (("p50", median), ("p99", _p99)):
        ours, theirs = of(ours_ms), of(theirs_ms)
        yield {
            "name": f"{wire}: read -> open, {name}", "value": round(ours, 3), "unit": "ms",
            "peer": f"{peer} {theirs:.3g}", "ratio": round(theirs / ours, 3),
            "spread": f"{min(ours_ms):.2f} to {max(ours_ms):.2f}, {len(ours_ms)} cards",
        }  # fmt: skip


def _p99(values: list[float]) -> float:
    return quantiles(values, n=100)[-1]


@contextmanager
def _host(target: Callable[..., None], *arguments: Any) -> Iterator[None]:
    """What answers the device, in a process of its own."""
    process = SPAWN.Process(target=target, args=arguments, daemon=True)
    process.start()
    try:
        yield
    finally:
        process.kill()
        process.join()


class _Stopwatch:
    """From a card to its opening."""

    def __init__(self) -> None:
        self._opened = threading.Event()
        self._at = 0.0

    def opened(self) -> None:
        self._at = time.perf_counter()
        self._opened.set()

    def took_ms(self, present: Callable[[int], None], within_s: float = LATEST_S) -> list[float]:
        """Each card in turn. The first ones, which find the host still waking, do not count."""
        took = []
        for swipe in range(-10, SWIPES):
            self._opened.clear()
            began = time.perf_counter()
            present(1 + swipe % (CARDS - 1))
            if not self._opened.wait(within_s):
                raise TimeoutError(f"card {swipe} was never answered")
            took.append((self._at - began) * 1000)
            time.sleep(PAUSE_S)
        return took[10:]


# --- UHPPOTE ----------------------------------------------------------------------------------------------------------


def _uhppote(host: Callable[..., None]) -> list[float]:
    watch = _Stopwatch()

    class Timed(Board):
        def _open_door(self, door: int) -> bytes:
            watch.opened()
            return super()._open_door(door)

    board = Timed(SERIAL, "127.0.0.1", 0, Diary())
    with _host(host, board.port):
        _until(lambda: board._listener is not None and board._pc_control)
        time.sleep(0.5)
        return watch.took_ms(lambda card: board.swipe(FACILITY * 100_000 + card) and None)


def _door_of_board(port: int) -> None:
    board = UhppoteBoard("board", SERIAL, f"127.0.0.1:{port}", (BoardReader("in", 1),))
    reader = Reader("in", "uhppote", ("H10301",))
    asyncio.run(serve(lambda sink: UhppoteDriver("boards", [board], sink, ("127.0.0.1", 0)), {reader: "board"}))


def _bare_board(port: int) -> None:
    asyncio.run(_bare(port))


async def _bare(port: int) -> None:
    """Open on every packet, by the library alone."""
    board, api, loop = (SERIAL, f"127.0.0.1:{port}"), UhppoteAsync(), asyncio.get_running_loop()
    opening = set[asyncio.Task[Any]]()

    class Heard(asyncio.DatagramProtocol):
        def datagram_received(self, data: bytes, _sender: tuple[str | Any, int]) -> None:
            opening.add(task := loop.create_task(api.open_door(board, decode.event(data).event_door)))
            task.add_done_callback(opening.discard)

    transport, _ = await loop.create_datagram_endpoint(Heard, ("127.0.0.1", 0))
    await api.set_listener(board, IPv4Address("127.0.0.1"), transport.get_extra_info("sockname")[1], 0)
    await api.set_pc_control(board, True)
    while True:
        await asyncio.sleep(5)
        await api.get_time(board)


# --- MQTT -------------------------------------------------------------------------------------------------------------


def _mqtt(host: Callable[..., None]) -> list[float]:
    with tempfile.TemporaryDirectory() as folder, _broker(Path(folder)) as port, _host(host, port):
        return _device_took_ms(port)


@contextmanager
def _broker(folder: Path) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    broker.write_broker(folder, port, {"menjin": "secret", DEVICE: "secret"})
    process = subprocess.Popen(broker.argv(folder), stderr=subprocess.DEVNULL)
    try:
        _until(lambda: broker.answers(port))
        yield port
    finally:
        process.kill()
        process.wait()


def _device_took_ms(port: int) -> list[float]:
    watch, up, ready = _Stopwatch(), f"menjin/1/d/{DEVICE}/up", threading.Event()
    device = paho.Client(CallbackAPIVersion.VERSION2, DEVICE, protocol=paho.MQTTv311)
    device.username_pw_set(DEVICE, "secret")

    def heard(_client: object, _data: object, message: paho.MQTTMessage) -> None:
        if message.topic.endswith("/lock"):
            watch.opened()
            id_ = json.loads(message.payload)["id"]
            device.publish(f"{up}/done", json.dumps({"id": id_, "result": "done", "detail": ""}), qos=1)

    device.on_socket_open = _no_delay
    device.on_message = heard
    device.on_subscribe = lambda *_: ready.set()
    device.connect("127.0.0.1", port)
    device.subscribe(f"menjin/1/d/{DEVICE}/down/#", qos=1)
    device.loop_start()
    ready.wait(LATEST_S)
    device.publish(f"{up}/state", json.dumps({"online": True, "boot": "bench"}), qos=1, retain=True)
    numbers = iter(range(1, 1_000_000))

    def present(card: int) -> None:
        bits, count = encode("H10301", FACILITY, card)
        read = {"reader": DEVICE, "bits": f"{bits:x}", "count": count, "boot": "bench", "age_ms": 0}
        device.publish(f"{up}/read", json.dumps(read | {"n": next(numbers)}), qos=1)

    try:
        _until(lambda: _answered(watch, present), 20)
        return watch.took_ms(present)
    finally:
        device.disconnect()
        device.loop_stop()


def _answered(watch: _Stopwatch, present: Callable[[int], None]) -> bool:
    """Whether the host is there already. A card that waited is stale, and one shown twice is nothing."""
    watch._opened.clear()
    present(CARDS // 2)
    return watch._opened.wait(1.1)


def _no_delay(_client: object, _data: object, opened: Any) -> None:
    """With Nagle's algorithm on, an exchange waits 40 ms for a delayed acknowledgement."""
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _door_of_broker(port: int) -> None:
    reader = Reader(DEVICE, "mqtt", ("H10301",))
    asyncio.run(
        serve(
            lambda sink: MqttDriver("broker", "127.0.0.1", port, "menjin", "secret", None, [DEVICE], sink),
            {reader: DEVICE},
        )
    )


def _bare_broker(port: int) -> None:
    client = paho.Client(CallbackAPIVersion.VERSION2, "menjin-bare", protocol=paho.MQTTv5)
    client.username_pw_set("menjin", "secret")
    client.on_socket_open = _no_delay
    client.on_connect = lambda *_: client.subscribe("menjin/1/d/+/up/read", qos=1)
    client.on_message = lambda *_: client.publish(f"menjin/1/d/{DEVICE}/down/lock", '{"id":"x"}', qos=1)
    client.connect("127.0.0.1", port)
    client.loop_forever()


def _until(true: Callable[[], bool], within_s: float = 10.0) -> None:
    end = time.monotonic() + within_s
    while not true():
        if time.monotonic() > end:
            raise TimeoutError("the peer did not come")
        time.sleep(0.01)
