"""Captures in the field's form, ours and published ones; and who is on a line."""

import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controllers.driver import (
    LinkState,
)
from controllers.errors import BadSetup, ProtocolViolation
from controllers.osdp_bus import OsdpReader
from controllers.osdp_capture import Capture, Record, read_capture, read_record, write_record
from controllers.osdp_discovery import Probe, discover, plan
from controllers.osdp_driver import OsdpBusDriver
from controllers.osdp_frame import Decoder, encode
from controllers.osdp_message import Code, Reply, read_local
from controllers.osdp_quality import measure
from tests.controllers.line import KEY, Ear, peripherals, running

VECTORS = Path(__file__).parents[1] / "vectors"


# --- captures -------------------------------------------------------------------------------------------------------


def test_a_capture_reads_as_it_was_written(tmp_path: Path) -> None:
    capture = Capture(tmp_path / "a.osdpcap", now_ns=lambda: 1_580_342_115_004_691_851)
    capture("output", bytes.fromhex("ff5380"))
    capture("input", b"\x01")
    capture.close()
    capture("input", b"late")
    records = list(read_capture(tmp_path / "a.osdpcap"))
    assert [(record.direction, record.data) for record in records] == [("output", b"\xff\x53\x80"), ("input", b"\x01")]
    first = json.loads((tmp_path / "a.osdpcap").read_text().splitlines()[0])
    assert first == {
        "timeSec": "1580342115",
        "timeNano": "004691851",
        "io": "output",
        "data": "ff 53 80",
        "osdpTraceVersion": "1",
        "osdpSource": "menjin",
    }
    assert capture.dropped == 1
    with pytest.raises(FileExistsError):
        Capture(tmp_path / "a.osdpcap")


def test_a_capture_stops_at_its_size(tmp_path: Path) -> None:
    capture = Capture(tmp_path / "a.osdpcap", max_bytes=500)
    for _ in range(20):
        capture("input", bytes(10))
    capture.close()
    assert (tmp_path / "a.osdpcap").stat().st_size <= 500
    assert capture.dropped > 10


# The example of the form's own page (SIA libosdp-conformance, osdpcap-format.md), and OSDP.Net's way with dashes.
FOREIGN = [
    '{ "timeSec" : "1580342115", "timeNano" : "984691851", "io" : "trace", "data" : " ff ff 53 80 08 00 01 4b 01 d8",'
    ' "osdpTraceVersion":"1", "osdpSource":"libosdp-conformance 0.91-5" }',
    '{"timeSec":"1","timeNano":"000000000","io":"output","data":"53-00-0D-00-06-6A","osdpTraceVersion":"1",'
    '"osdpSource":"OSDP.Net"}',
]


def test_captures_of_other_tools_are_read() -> None:
    assert read_record(FOREIGN[0]).data == bytes.fromhex("ffff5380080001 4b01d8")
    assert read_record(FOREIGN[0]).at_ns == 1_580_342_115_984_691_851
    assert read_record(FOREIGN[1]).data[:2] == b"\x53\x00"


# SIA libosdp-conformance, test/osdpcap-tests/2-lstatr-power.osdpcap (Apache-2.0): a poll, and news of a power fault.
PUBLISHED = [
    '{ "timeSec" : "1693167786", "timeNano" : "033907099", "io" : "in", "data" : " ff 53 00 08 00 04 60 eb aa",'
    ' "osdpTraceVersion":"1", "osdpSource":"libosdp-conformance 1.33-2" }',
    '{ "timeSec" : "1693167786", "timeNano" : "036554064", "io" : "out", "data" : " ff 53 80 0a 00 04 48 00 01 0f a1",'
    ' "osdpTraceVersion":"1", "osdpSource":"libosdp-conformance 1.33-2" }',
]


def test_a_published_capture_is_read_frame_by_frame() -> None:
    records = [read_record(line) for line in PUBLISHED]
    frames = [frame for record in records for frame in Decoder().feed(record.data)]
    assert [record.direction for record in records] == ["input", "output"]
    assert [(frame.code, frame.reply) for frame in frames] == [(Code.POLL, False), (Reply.LSTATR, True)]
    assert read_local(frames[1].data) == (False, True)


def test_a_published_poll_cycle_is_read_with_its_sequence_numbers() -> None:
    """SIA libosdp-conformance (Apache-2.0, b443131), test/osdpcap-tests/1-poll-cycle.osdpcap: its peripheral's side."""
    records = list(read_capture(VECTORS / "osdp_poll_cycle.osdpcap"))
    frames = [frame for record in records for frame in Decoder().feed(record.data)]
    assert len(frames) == len(records) == 16
    assert (
        [frame.reply for frame in frames] == [record.direction == "output" for record in records] == [False, True] * 8
    )
    assert (
        [frame.sequence for frame in frames[::2]]
        == [frame.sequence for frame in frames[1::2]]
        == [0, *(1, 2, 3) * 2, 1]
    )
    assert [frame.code for frame in frames] == [Code.POLL, Reply.LSTATR, *(Code.POLL, Reply.ACK) * 7]
    assert [encode(frame) for frame in frames] == [record.data.lstrip(b"\xff") for record in records]


@given(st.text(max_size=80))
def test_a_line_that_is_no_capture_is_refused(line: str) -> None:
    with pytest.raises(ProtocolViolation):
        read_record(line)
    with pytest.raises(ProtocolViolation):
        read_record(FOREIGN[1].replace('"1",\n', "").replace('Version":"1"', 'Version":"2"'))


@given(st.binary(max_size=40), st.integers(0, 2**62))
def test_any_bytes_pass_through_a_capture(data: bytes, at_ns: int) -> None:
    assert read_record(write_record(Record(at_ns, "input", data))) == Record(at_ns, "input", data)


def test_the_driver_shows_its_line_to_a_tap_and_never_a_key(tmp_path: Path) -> None:
    ear, heard_bytes = Ear(), list[tuple[str, bytes]]()
    with peripherals({"address": 1, "scbk": KEY.hex()}) as (_peer, port):
        driver = OsdpBusDriver(
            "bus", port, 115200, [OsdpReader("r1", 1, KEY)], ear, tap=lambda *a: heard_bytes.append(a)
        )
        with running(driver):
            ear.wait(LinkState, lambda event: event.up)
            driver.open_installation("r1", 30)
            time.sleep(0.2)
            count = len(heard_bytes)
            time.sleep(0.3)
            assert len(heard_bytes) == count
            driver.open_installation("r1", 0)
            time.sleep(0.3)
            assert len(heard_bytes) > count
            driver.capture(None)
            told = measure(driver.counters, time.sleep, 0.5)
            assert told["r1"].verdict == "good"
    assert {direction for direction, _ in heard_bytes} == {"input", "output"}


# --- discovery ------------------------------------------------------------------------------------------------------


def test_the_plan_asks_each_address_at_each_rate_once() -> None:
    probes = list(plan())
    assert len({(probe.baud, probe.address) for probe in probes}) == len(probes) == 6 * 127
    assert all(probe.frame[1] == probe.address for probe in probes)
    with pytest.raises(ValueError, match="no such"):
        list(plan([1200]))
    with pytest.raises(ValueError, match="no such"):
        list(plan(addresses=[127]))


def test_readers_are_found_at_their_addresses() -> None:
    steps = []
    with peripherals({"address": 3, "scbk": KEY.hex()}, {"address": 9, "scbk": KEY.hex()}) as (_peer, port):
        probes: list[Probe] = list(plan([115200], range(12)))
        found = discover(port, probes, lambda done, of, device: steps.append((done, of, device is not None)))
    assert [(device.address, device.baud) for device in found] == [(3, 115200), (9, 115200)]
    assert all(device.functions for device in found)
    assert steps[-1] == (12, 12, False)
    assert len([step for step in steps if step[2]]) == 2


def test_a_search_can_be_stopped_and_a_missing_port_is_told() -> None:
    with peripherals({"address": 0, "scbk": KEY.hex()}) as (_peer, port):
        assert discover(port, list(plan([115200])), stop=lambda: True) == []
    with pytest.raises(Exception, match="cannot open"):
        discover("/nowhere", list(plan([115200], [0])))


def test_a_vault_is_needed_where_keys_change() -> None:
    driver = OsdpBusDriver("bus", "/nowhere", 115200, [OsdpReader("r1", 1, KEY)], lambda _: None)
    with pytest.raises(BadSetup, match="vault"):
        driver.rotate_key("r1", "k")
