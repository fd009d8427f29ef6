"""`menjin explain`, `who-can`, `where-can` at a whole estate: what central pushed, at the doors that were wired."""

import asyncio
import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from config.secret import read_key
from gateway.generations import Generations
from gateway.journal import Journal
from gateway.store import Store
from gateway.wiring import site_of
from mgmt_api.app import prepare
from mgmt_api.cli.command import app
from mgmt_api.office import batches, feed
from mgmt_api.plane import Estate, Plane
from simulators.estate import build
from simulators.site import Site, write_site


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A gateway's folder, filled with what central's whole truth comes to."""
    folder = tmp_path_factory.mktemp("site")
    written = write_site(folder, build())
    settings = written.settings
    key = read_key(settings.secrets.site_key_file)
    plane = Plane(Estate(site_id=settings.site.id, site_key=key, data_dir=folder / "plane"))
    prepare(plane)
    ops = list(written.estate.operations())
    batch = json.dumps({"epoch": 1, "base_seq": 0, "to_seq": len(ops), "ops": ops}).encode()
    with plane.database.write() as session:
        batches.apply(session, plane.database, batches.check(batch, plane.keys, plane.now()), plane.now())
        page = feed.page(session, None, 10_000)
    plane.close()
    asyncio.run(_fill(settings.data_dir / "gateway", site_of(settings), page))
    return written


async def _fill(folder: Path, wiring: Any, page: dict[str, Any]) -> None:
    store = Store(folder / "store.db")
    store.begin_snapshot()
    store.stage(page)
    store.commit_snapshot(page["version"])
    generations = Generations(folder / "generations", folder / "store.db", wiring)
    await generations.refresh(store)
    await generations.settled()
    await generations.close()
    store.close()
    journal = Journal(folder / "journal.db", lambda: 0.0, reserve_bytes=4096)
    journal.start()
    journal.close()


def menjin(site: Site, *arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments, "--config", str(site.config)])


def test_a_resident_comes_home_by_the_property_tree(site: Site) -> None:
    said = menjin(site, "explain", "--door", "building-1", "--credential", "c-0000")
    assert said.exit_code == 0, said.output
    assert "Granted @home:building-1/@always" in said.output
    assert "此凭证无权通过此门。" not in said.output


def test_a_neighbour_of_another_building_is_refused_with_a_sentence_in_both_languages(site: Site) -> None:
    neighbour = site.estate.cards_of("building-2")[0].id
    said = menjin(site, "explain", "--door", "building-1", "--credential", neighbour)
    assert said.exit_code == 1
    assert "✗ Unauthorized" in said.output
    assert "此凭证无权通过此门。 This credential has no right to this door." in said.output


def test_a_plan_is_asked_before_it_is_made(site: Site, tmp_path: Path) -> None:
    plan = tmp_path / "plan.yaml"
    plan.write_text("credentials:\n  c-0000: {state: lost}\n")
    arguments = ("explain", "--door", "building-1", "--credential", "c-0000", "--what-if", str(plan), "--json")
    said = menjin(site, *arguments)
    answer = json.loads(said.output)
    assert (said.exit_code, answer["what_if"], answer["answers"][0]["reason"]) == (1, True, "CredentialNotEnabled")
    plan.write_text("credentials:\n  c-0000: {state: king}\n")
    assert "credentials.c-0000" in menjin(site, *arguments).output


@pytest.mark.parametrize("number", [".inf", "-.inf", ".nan"])
def test_a_plan_with_a_time_that_no_clock_shows_is_refused_with_its_place(
    site: Site, tmp_path: Path, number: str
) -> None:
    plan = tmp_path / "plan.yaml"
    plan.write_text(f"credentials:\n  c-0000: {{valid_to: {number}}}\n")
    said = menjin(site, "explain", "--door", "building-1", "--credential", "c-0000", "--what-if", str(plan))
    assert said.exit_code == 2
    assert "line 2, column 22" in said.output


def test_who_can_pass_a_door_leaves_as_csv(site: Site) -> None:
    said = menjin(site, "who-can", "--door", "building-1", "--csv")
    found = list(csv.DictReader(io.StringIO(said.output.removeprefix("\ufeff"))))
    residents = {card.id for card in site.estate.cards_of("building-1")}
    assert residents <= {row["credential"] for row in found}
    assert not {card.id for card in site.estate.cards_of("building-2")} & {row["credential"] for row in found}


def test_csv_says_the_same_as_json_and_has_no_column_that_the_gateway_knows_nothing_of(site: Site) -> None:
    asked = ("who-can", "--door", "building-1")
    sheet = menjin(site, *asked, "--csv").output.removeprefix("\ufeff")
    rights = json.loads(menjin(site, *asked, "--json").output)["rights"]
    assert list(csv.DictReader(io.StringIO(sheet))) == [
        {name: "" if value is None else value for name, value in right.items()} for right in rights
    ]


def test_where_somebody_may_go(site: Site) -> None:
    said = json.loads(menjin(site, "where-can", "--resident", "r-0000", "--json").output)
    assert {right["door"] for right in said["rights"]} == {"main-gate", "building-1", "garage"}
    sheet = menjin(site, "where-can", "--resident", "r-0000", "--csv").output.removeprefix("\ufeff")
    assert {row["door"] for row in csv.DictReader(io.StringIO(sheet))} == {"main-gate", "building-1", "garage"}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("explain", "--door", "cellar", "--credential", "c-0000"), "cellar"),
        (("explain", "--door", "building-1", "--credential", "nobody"), "nobody"),
        (("explain", "--door", "building-1"), "--credential"),
        (("explain", "--event", "99"), "99"),
        (("who-can", "--door", "building-1", "--at", "yesterday"), "yesterday"),
        (("explain", "--event", "99999999999999999999999999"), "--event"),
        (("who-can", "--door", "building-1", "--at", "2020-01-01T00:00"), "begins at"),
        (("who-can", "--door", "building-1", "--at", "0001-01-01"), "1971"),
        (("where-can", "--resident", "r-0000", "--at", "9999-12-31T23:59-05:00"), "1971"),
    ],
)
def test_what_cannot_be_answered_is_said_plainly(site: Site, arguments: tuple[str, ...], says: str) -> None:
    said = menjin(site, *arguments)
    assert said.exit_code == 2
    assert says in said.output
