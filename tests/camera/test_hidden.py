"""What lies under a mask that was drawn later is not shown either: in alarms' stills, in strips."""

import subprocess
from pathlib import Path

from fastapi import FastAPI
from fastapi.testclient import TestClient

from camera import app_seeing
from camera.alarms import Alarm, AlarmKind, Alarms
from camera.database import Database
from camera.drawing import Drawing, Drawings, Mask
from camera.footage import Footage
from camera.seeing import Seeing
from camera.strip import keys, strip
from camera.timeline import Timeline

LEFT = Mask(name="left", polygon=((0, 0), (0.5, 0), (0.5, 1), (0, 1)))
GREY = ["ffmpeg", "-v", "error", "-i", "pipe:0", "-f", "rawvideo", "-pix_fmt", "gray", "-vf"]


def brightest(jpeg: bytes, side: str) -> int:
    crop = f"crop=iw/2-8:ih:{'0' if side == 'left' else 'iw/2+8'}:0"
    return max(subprocess.run([*GREY, crop, "pipe:1"], input=jpeg, capture_output=True, check=True).stdout)


def test_an_alarms_still_is_black_under_masks_that_were_drawn_later(tmp_path: Path) -> None:
    drawings, alarms = Drawings(tmp_path / "drawings", {"gate": ()}), Alarms(Database(tmp_path / "index.db"))
    alarm = alarms.open(Alarm("gate", AlarmKind.MOTION, 1, still="still.jpg"))
    white = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "color=white:size=320x180", "-frames:v", "1"]
    subprocess.run([*white, str(tmp_path / "still.jpg")], check=True)
    app = FastAPI()
    app.state.seeing = Seeing(tmp_path, alarms, drawings, {})
    app.include_router(app_seeing.router)
    with TestClient(app) as client:
        shown = [client.get(f"/alarms/{alarm.id}/still.jpg").content]
        drawings.put("gate", Drawing(revision=1, masks=(LEFT,)))
        shown.append(client.get(f"/alarms/{alarm.id}/still.jpg").content)
    assert [brightest(each, "left") > 200 for each in shown] == [True, False]
    assert brightest(shown[1], "right") > 200


async def test_a_strip_is_black_under_the_masks(archive: Path, tmp_path: Path) -> None:
    footage = Footage(archive, timeline := Timeline(Database(archive / "index.db")), {})
    recorded = timeline.recorded("gate", 0, 1 << 62)
    drawings = Drawings(tmp_path / "drawings", {"gate": (LEFT,)})
    found = list(keys(footage, "gate", recorded[0].start_us, recorded[-1].end_us, 3))
    made = await strip(found, 320, drawings.blackout("gate"))
    assert len(made) == len(found) > 1
    assert all(brightest(jpeg, "left") < 24 < brightest(jpeg, "right") for _, jpeg in made)
