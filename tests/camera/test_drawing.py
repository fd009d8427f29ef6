"""What people draw on a picture: kept on the recorder's disk, and when its zones alarm."""

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from camera.drawing import Drawing, Drawings, Mask, MonitoringZone, armed

SHANGHAI = ZoneInfo("Asia/Shanghai")
SQUARE = ((0.1, 0.1), (0.4, 0.1), (0.4, 0.4))
MASK = Mask(name="window", polygon=SQUARE)


def test_a_drawing_is_there_again_after_a_restart(tmp_path: Path) -> None:
    drawing = Drawing(revision=3, zones=(MonitoringZone(name="车道", polygon=SQUARE, door="main"),), masks=(MASK,))
    Drawings(tmp_path, {"gate": ()}).put("gate", drawing)
    assert Drawings(tmp_path, {"gate": (), "garage": ()}).of("gate") == drawing


def test_the_site_files_masks_hold_beside_the_drawn_ones(tmp_path: Path) -> None:
    wired = Mask(name="balcony", polygon=((0.6, 0.6), (0.9, 0.6), (0.9, 0.9)))
    drawings = Drawings(tmp_path, {"gate": (wired,)})
    assert drawings.masks("gate") == [wired.polygon]
    drawings.put("gate", Drawing(revision=1, masks=(MASK,)))
    assert drawings.masks("gate") == [wired.polygon, SQUARE]
    drawings.put("gate", Drawing(revision=2))
    assert drawings.masks("gate") == [wired.polygon]


@pytest.mark.parametrize("content", [b"", b"\x00\xff", b'{"zones": 7}', b'{"revision": 1, "colour": "red"}'])
def test_a_damaged_file_is_no_drawing_and_stops_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "gate.json").write_bytes(content)
    assert Drawings(tmp_path, {"gate": ()}).of("gate") == Drawing()


@pytest.mark.parametrize(
    ("windows", "moment", "alarms"),
    [
        ([], "2026-11-25T03:00", True),
        ([{"begin": "22:00", "end": "06:00"}], "2026-11-25T23:30", True),
        ([{"begin": "22:00", "end": "06:00"}], "2026-11-25T05:59", True),
        ([{"begin": "22:00", "end": "06:00"}], "2026-11-25T06:00", False),
        ([{"begin": "08:00", "end": "18:00", "days": ["sat", "sun"]}], "2026-11-25T12:00", False),
        ([{"begin": "08:00", "end": "18:00", "days": ["sat", "sun"]}], "2026-11-28T12:00", True),
        ([{"begin": "22:00", "end": "06:00", "days": ["sun"]}], "2026-11-30T05:00", True),  # Monday, from Sunday on
        ([{"begin": "22:00", "end": "06:00", "days": ["sun"]}], "2026-11-29T05:00", False),
        ([{"begin": "00:00", "end": "24:00", "days": ["wed"]}], "2026-11-25T23:59", True),
    ],
)
def test_a_zone_alarms_within_its_windows_on_the_sites_clock(windows: object, moment: str, alarms: bool) -> None:
    zone = MonitoringZone.model_validate({"name": "lane", "polygon": SQUARE, "windows": windows})
    assert armed(zone, datetime.fromisoformat(moment).replace(tzinfo=SHANGHAI).timestamp(), SHANGHAI) is alarms


@pytest.mark.parametrize(
    "wrong",
    [{"sensitivity": 0}, {"sensitivity": 101}, {"dwell_s": -1}, {"name": ""}, {"name": "a\nb"}, {"door": "../x"},
     {"windows": [{"begin": "25:00", "end": "06:00"}]}, {"windows": [{"begin": "1", "end": "2", "days": []}]}],
)  # fmt: skip
def test_a_zone_that_makes_no_sense_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        MonitoringZone.model_validate({"name": "lane", "polygon": SQUARE, **wrong})
