"""What people draw on cameras' pictures: kept here with a revision, handed to the recorders until they have it."""

from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from config.drawing import Drawing
from mgmt_api.problems import Problem
from mgmt_api.tables.cameras import CameraDrawing


def kept(session: Session, camera: str) -> Drawing | None:
    """The drawing of a camera; None: nobody drew here, and its recorder may still have one."""
    row = session.get(CameraDrawing, camera)
    return Drawing.model_validate_json(row.drawing) if row else None


def revisions(session: Session) -> Mapping[str, int]:
    """Which revision each drawn camera should be watched with."""
    return {row.camera: row.revision for row in session.execute(select(CameraDrawing.camera, CameraDrawing.revision))}


def draw(session: Session, camera: str, known: Drawing, drawing: Drawing) -> Drawing:
    """Keep a drawing that was made from `known`. Raises `Problem` precondition-failed: it was made from another one."""
    if drawing.revision != known.revision:
        raise Problem("precondition-failed", f"The drawing is at revision {known.revision}.")
    fresh = drawing.model_copy(update={"revision": known.revision + 1})
    row = session.get(CameraDrawing, camera) or CameraDrawing(camera=camera)
    row.revision, row.drawing = fresh.revision, fresh.model_dump_json()
    session.add(row)
    return fresh
