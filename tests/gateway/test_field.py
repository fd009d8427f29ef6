"""The whole door process with one of each further kind of reader at its wires, and locks on two kinds of board."""

import asyncio
import signal
import socket
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.access.identifier import card_value, identifier_key
from simulators.diary import Diary
from simulators.idcard_sam import Module
from simulators.line import Line
from simulators.serial_readers import Reader
from simulators.uhppote_board import Board
from tests.gateway.plane import Plane, Server
from tests.gateway.test_process import Gateway
from tests.gateway.test_sync import until
from tests.gateway.world import SITE_KEY, Key, credential, live_credential, rows

SITE = """
site: {{id: 4097, name: {{zh: 小区, en: Estate}}}}
data_dir: {folder}/data
secrets: {{site_key_file: {folder}/site.key, reader_keys_file: {folder}/keys.json}}
gateway: {{id: gateway-1, api: {{url: "{url}", token_file: {folder}/token}}}}
serial_readers:
  - {{name: shop, port: {folder}/hex_cr, framing: hex_cr}}
  - {{name: pad, port: {folder}/dec10_crlf, framing: dec10_crlf, keypad: true}}
polled_buses: [{{name: line, port: {folder}/poll_aa, readers: [{{name: bikes, address: 1}}]}}]
vguang_readers: [{{name: tower, port: {folder}/vguang}}]
idcard_readers: [{{name: office, port: {folder}/sam}}]
scanners: [{{name: lpr, port: {folder}/lpr, texts: plates}}]
uhppote:
  listen_host: 127.0.0.1
  listen_port: {listen}
  boards: [{{name: board, serial: 405419896, address: "127.0.0.1:{board}", readers: [{{name: gate-in, door: 1}}]}}]
doors:
  - {{name: tower, number: 1, label: {{zh: 塔楼, en: Tower}}, lock: {{device: tower}}, strike_s: 1}}
  - {{name: gate, number: 2, label: {{zh: 大门, en: Gate}}, lock: {{device: board}}, strike_s: 1}}
access_points:
  - {{name: tower-in, door: tower, readers: [shop, pad, bikes, tower, office], zone_from: out, zone_to: building-1}}
  - {{name: gate-in, door: gate, readers: [gate-in, lpr], zone_from: out, zone_to: building-1}}
"""
ID_NUMBER, PIN, PHONE = "11010519491231002X", "2468", Key()


def keyed(id_: str, type_: str, format_: str, value: str) -> dict[str, Any]:
    kind = {"id": id_, "type": type_, "key": identifier_key(SITE_KEY, type_, format_, value).hex()}
    return credential(0, **kind)


OFFICE = rows(
    keyed("by-shop", "card", "H10301", card_value(0x7B, 0x11D7)),
    keyed("by-bikes", "card", "WG32", card_value(0, 0x0051A282)),
    keyed("by-office", "idcard", "GB11643", ID_NUMBER),
    keyed("by-pad", "pin", "PIN", PIN),
    keyed("by-plate", "plate", "GA36", "鲁A12345"),
    keyed("by-gate", "card", "H10301", card_value(100, 58400)),
    live_credential(PHONE),
)


class Field:
    """The devices at the wires."""

    def __init__(self, folder: Path) -> None:
        self.readers = {make: Reader(make, folder / make, Diary(), make) for make in
                        ("hex_cr", "dec10_crlf", "poll_aa", "vguang")}  # fmt: skip
        self.sam = Module(Line(folder / "sam"), Diary())
        threading.Thread(target=self.sam.serve, daemon=True).start()
        self.lpr = Line(folder / "lpr")
        self.board = Board(405419896, "127.0.0.1", 0, Diary())
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("127.0.0.1", 0))
            self.listen = probe.getsockname()[1]


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    made = Server(Plane())
    made.plane.reset(OFFICE)
    await made.start()
    yield made
    await made.stop()


async def test_every_kind_of_reader_opens_its_door_in_the_whole_process(tmp_path: Path, server: Server) -> None:
    field, plane = Field(tmp_path), server.plane
    gateway = Gateway(tmp_path, server.url)
    site = SITE.format(folder=tmp_path, url=server.url, listen=field.listen, board=field.board.port)
    (tmp_path / "site.yaml").write_text(site, encoding="utf-8")
    await gateway.start()
    try:
        names = {"shop", "pad", "bikes", "tower", "office", "board", "lpr"}
        await until(lambda: plane.inventories and plane.inventories[-1]["table_version"], 20)
        await until(lambda: names <= {each["name"] for each in plane.inventories[-1]["devices"] if each["online"]}, 20)

        def granted() -> set[str]:
            return {each["credential"] for each in plane.events.values() if each["kind"] == "Granted"}

        def refused() -> set[tuple[str, str]]:
            return {(each["reader"], each["reason"]) for each in plane.events.values() if each["kind"] == "Denied"}

        def done() -> int:
            told = [each for each in plane.events.values() if each["kind"] == "CommandOutcome"]
            return sum(each["reason"] == "Done" for each in told)

        field.readers["hex_cr"].present(bytes.fromhex("7b11d7"))
        await until(lambda: granted() == {"by-shop"} and done() == 1)
        assert field.readers["vguang"].released
        await asyncio.sleep(0.1)
        field.readers["poll_aa"].present(bytes.fromhex("380051a282"))
        await until(lambda: "by-bikes" in granted() and done() == 2)
        field.sam.place({"number": ID_NUMBER})
        await until(lambda: "by-office" in granted() and done() == 3)
        for key in f"{PIN}#":
            field.readers["dec10_crlf"].line.write(key.encode())
            await asyncio.sleep(0.15)
        await until(lambda: "by-pad" in granted() and done() == 4)
        field.board.swipe(10058400)
        await until(lambda: "by-gate" in granted() and done() == 5)
        assert field.board.unlocked(1)
        field.readers["vguang"].show(PHONE.live(time.time()))
        await until(lambda: "live-1" in granted() and done() == 6)
        field.lpr.write("鲁A·12345\r\n".encode("gb18030"))
        await until(lambda: "by-plate" in granted() and done() == 7)
        field.lpr.write("无牌车辆\r\n".encode())
        field.readers["vguang"].show("not a code")
        await until(lambda: refused() == {("lpr", "Malformed"), ("tower", "Malformed")})
        assert not [
            each
            for each in plane.events.values()
            if ID_NUMBER in str(each) or "12345" in str(each.get("raw", "")) or PIN in str(each.get("raw", ""))
        ]
    finally:
        code, took_s = gateway.end(signal.SIGTERM)
    assert code == 0
    assert took_s < 10
    assert ID_NUMBER not in gateway.log.read_text()
