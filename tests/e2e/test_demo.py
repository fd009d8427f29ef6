"""`menjin demo --check`, once, and each leg by its name."""

import json
import subprocess
import sys
from typing import Any

import pytest

from simulators.check import LEGS

pytestmark = [pytest.mark.site, pytest.mark.timeout(240)]
LIMIT_S = 180


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    argv = [sys.executable, "-m", "mgmt_api.cli", "demo", "--check"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    assert done.stdout, done.stderr[-2000:]
    answer: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == (0 if answer["ok"] else 1)
    return answer


@pytest.mark.parametrize("leg", LEGS)
def test_the_leg_passes(report: dict[str, Any], leg: str) -> None:
    outcome = report["legs"][leg]
    assert outcome["ok"], outcome.get("error")
    assert outcome["ms"] > 0
