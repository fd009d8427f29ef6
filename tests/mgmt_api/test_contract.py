"""Whatever the interface's document allows, and much that it does not, is answered without a failure here."""

import json
from contextlib import suppress
from typing import Any

import httpx2
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable

from mgmt_api.access import API, ROUTES
from tests.mgmt_api.conftest import CENTRAL, GATEWAY, Served

LEFT_OUT = {  # streams without end, the recorder's part, and what would end the run's own session
    ("GET", f"{API}/gateways/{{gateway}}/watch"),
    ("DELETE", f"{API}/session"),
    ("POST", f"{API}/session/password"),
    ("POST", f"{API}/users"),
    ("POST", f"{API}/session"),
}
EXAMPLES = 6


@schemathesis.serializer("application/x-ndjson")
def one_line(_: object, value: object) -> bytes:
    return json.dumps(value).encode() + b"\n"


def operations(served: Served, client: httpx2.Client) -> Any:
    document = client.get(f"{API}/openapi.json").json()
    schema = schemathesis.openapi.from_dict(document)
    schema.config.update(base_url=served.url)
    for found in schema.get_all_operations():
        operation: Any = getattr(found, "ok")()  # noqa: B009 - a broken operation has none, and fails here
        key = (operation.method.upper(), operation.path)
        if key not in LEFT_OUT and "/cameras/" not in operation.path:
            yield key, operation


@pytest.mark.timeout(240)
def test_nothing_that_the_document_allows_breaks_the_plane(served: Served) -> None:
    with served.sign_in() as client:
        session = {"Cookie": f"menjin={client.cookies['menjin']}"}
        for key, operation in operations(served, client):
            roles = ROUTES[key]
            headers = CENTRAL if "central" in roles else GATEWAY if "gateway" in roles else session
            for mode in (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE):
                try_out(served, operation, headers, operation.as_strategy(generation_mode=mode))


def try_out(served: Served, operation: Any, headers: dict[str, str], cases: st.SearchStrategy[Any]) -> None:
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases)
    def run(case: Any) -> None:
        if isinstance(case.query, dict) and "wait" in case.query:
            case.query["wait"] = 0
        answer = case.call(base_url=served.url, headers=headers, timeout=20)
        assert answer.status_code < 500, (operation.label, answer.status_code, answer.text)
        assert answer.status_code != 401, operation.label

    with suppress(Unsatisfiable):  # an operation that takes nothing cannot be asked wrongly
        run()
