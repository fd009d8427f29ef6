"""Read the site file: YAML 1.2, and each mistake with its line and column."""

import difflib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from config.settings import Settings
from config.wiring import Finding, wiring_faults

Place = tuple[int | str, ...]  # keys and indexes from the top of the file


@dataclass(frozen=True, slots=True)
class Fault:
    """One mistake in a site file. Lines and columns start at 1."""

    path: Path
    line: int
    column: int
    where: str
    what: str

    def __str__(self) -> str:
        where = f"{self.where}: " if self.where else ""
        return f"{self.path}:{self.line}:{self.column}: {where}{self.what}"


class BadSettings(Exception):
    """The site file cannot be used; `faults` says where and why."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("\n".join(map(str, faults)))
        self.faults = faults


def load_settings(path: Path, also: Callable[[Settings], Iterable[Finding]] = lambda _: ()) -> Settings:
    """The checked settings of a site file; `also` may find more. Raises `BadSettings`."""
    document = _parse(path)
    try:
        settings = Settings.model_validate(document, context={"base": path.resolve().parent})
    except ValidationError as error:
        details = error.errors(include_url=False)
        raise BadSettings([_fault(path, document, d["loc"], _say(d)) for d in details]) from None
    if found := [*wiring_faults(settings), *also(settings)]:
        raise BadSettings([_fault(path, document, place, what) for place, what in found])
    return settings


def _parse(path: Path) -> CommentedMap:
    yaml = YAML(typ="rt")
    try:
        document = yaml.load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadSettings([Fault(path, 1, 1, "", f"cannot be read: {error.strerror}")]) from error
    except UnicodeDecodeError as error:
        raise BadSettings([Fault(path, 1, 1, "", "is not UTF-8 text")]) from error
    except YAMLError as error:
        raise BadSettings([_yaml_fault(path, error)]) from error
    except (ValueError, RecursionError) as error:  # `!!int x`, a number without end, brackets without end
        raise BadSettings([Fault(path, 1, 1, "", "is not valid YAML")]) from error
    if not isinstance(document, CommentedMap):
        raise BadSettings([Fault(path, 1, 1, "", "must be a mapping of settings")])
    return document


def _yaml_fault(path: Path, error: YAMLError) -> Fault:
    mark = error.problem_mark if isinstance(error, MarkedYAMLError) else None
    what = (error.problem if isinstance(error, MarkedYAMLError) else None) or "is not valid YAML"
    return Fault(path, mark.line + 1 if mark else 1, mark.column + 1 if mark else 1, "", what)


def _fault(path: Path, document: CommentedMap, place: Place, what: str) -> Fault:
    line, column = _position(document, place)
    return Fault(path, line, column, ".".join(str(part) for part in place), what)


def _position(document: CommentedMap, place: Place) -> tuple[int, int]:
    """The deepest part of `place` that stands in the file; ruamel counts from 0."""
    node: Any = document
    line = column = 0
    for part in place:
        if isinstance(node, CommentedMap) and part in node:
            line, column = node.lc.key(part)
        elif isinstance(node, CommentedSeq) and isinstance(part, int) and part < len(node):
            line, column = node.lc.item(part)
        else:
            break
        node = node[part]
    return line + 1, column + 1


def _say(detail: ErrorDetails) -> str:
    """A pydantic error in plain words, with a near miss for an unknown key."""
    if detail["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(detail["loc"][-1]), _keys(detail["loc"][:-1]), n=1)
        return "unknown key" + (f"; did you mean {near[0]!r}?" if near else "")
    if detail["type"] == "missing":
        return "is missing"
    return detail["msg"].removeprefix("Value error, ")


def _keys(place: Place) -> list[str]:
    """The keys that the models allow at `place`."""
    model: Any = Settings
    for part in place:
        if isinstance(part, str):
            model = _inner_model(model.model_fields[part].annotation)
    return list(model.model_fields)


def _inner_model(annotation: Any) -> Any:
    """The model inside `Model`, `Model | None` or `tuple[Model, ...]`."""
    if hasattr(annotation, "model_fields"):
        return annotation
    return next(filter(None, map(_inner_model, getattr(annotation, "__args__", ()))), None)
