"""What all models of the site file share: strictness, names, ports, and paths beside the file."""

from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo


def _beside_file(path: Path, info: ValidationInfo) -> Path:
    """Resolve a relative path against the site file's folder, given as validation context."""
    base: Path | None = (info.context or {}).get("base")
    return path if base is None else base / path


SitePath = Annotated[Path, AfterValidator(_beside_file)]
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,47}$")]
Port = Annotated[int, Field(ge=1, le=65535)]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = get_args(Day)
TimeOfDay = Annotated[str, Field(pattern=r"^(([01]\d|2[0-3]):[0-5]\d|24:00)$")]


class Model(BaseModel):
    """A strict, immutable part of the site file."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Label(Model):
    """A name for people, in both languages."""

    zh: str
    en: str
