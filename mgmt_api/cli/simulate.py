"""`menjin simulate`: a whole world from one file, and what its doors do."""

from math import isfinite
from pathlib import Path
from typing import Annotated, Any

import typer
from ruamel.yaml import YAML
from ruamel.yaml.constructor import ConstructorError, SafeConstructor
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode

from gateway.access.simulation import Result, faults
from gateway.access.simulation import simulate as run
from gateway.access.world import BadWorld, read
from mgmt_api.cli.output import Exit, JsonOption, answer, say, stop


class _Plain(SafeConstructor):
    """YAML in which a time is the text that it is, and a number is a number."""

    def finite(self, node: ScalarNode) -> float:
        """`.inf` and `.nan` are no time and no count."""
        number = float(self.construct_yaml_float(node))
        if not isfinite(number):
            raise ConstructorError(None, None, f"{node.value}: not a number that is used here", node.start_mark)
        return number


_Plain.add_constructor("tag:yaml.org,2002:timestamp", SafeConstructor.construct_yaml_str)
_Plain.add_constructor("tag:yaml.org,2002:float", _Plain.finite)


def load(path: Path) -> dict[str, Any]:
    """The dict of a world file.

    Raises:
        BadWorld: it cannot be read, is no YAML, or no mapping.
    """
    yaml = YAML(typ="safe", pure=True)
    yaml.Constructor = _Plain
    try:
        body = yaml.load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError, YAMLError) as error:
        raise BadWorld(f"{path}: {error}") from error
    if not isinstance(body, dict):
        raise BadWorld(f"{path}: not a mapping")
    return body


def located(path: Path, error: BadWorld) -> str:
    """The error with the line and column of the deepest part of its place that stands in the file."""
    if not error.place:
        return str(error)
    node = YAML(typ="safe", pure=True).compose(path.read_text(encoding="utf-8"))
    mark = node.start_mark
    for part in error.place:
        if isinstance(node, SequenceNode) and isinstance(part, int):
            node = node.value[part]
            mark = node.start_mark
        elif isinstance(node, MappingNode) and (found := [pair for pair in node.value if pair[0].value == part]):
            key, node = found[-1]
            mark = key.start_mark
        else:
            break
    return f"{path}:{mark.line + 1}:{mark.column + 1}: {error}"


def simulate(
    path: Annotated[Path, typer.Argument(help="The world file / 世界文件", metavar="WORLD.yaml")],
    json: JsonOption = False,
) -> None:
    """Decide every presentation of a world file and step its doors; exit 1 if an `expect` does not hold."""
    try:
        results = run(read(load(path)))
    except BadWorld as error:
        stop(located(path, error), Exit.USAGE)
    wrong = faults(results)
    if json:
        answer({"ok": not wrong, "events": results})
    else:
        for result in results:
            say(line(result))
    raise typer.Exit(Exit.FAILED if wrong else Exit.OK)


def line(result: Result) -> str:
    """One result as a line for people."""
    parts = [f"{result['event']:>3}", result["at"]]
    if "decision" in result:
        parts += [result["point"], result["decision"], result.get("policy") or result["reason"]]
        parts += [text for text in (result.get("zh"), result.get("en")) if text]
    parts += [f"[{said}]" for said in result["said"]]
    parts += [f"{name}={door['mode']}/{door['alarm']}" for name, door in result["doors"].items()]
    if result.get("ok") is False:
        parts.append(f"EXPECTED / 应为 {result['expected']}")
    return "  ".join(parts)
