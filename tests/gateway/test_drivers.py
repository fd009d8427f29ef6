"""Each kind of link in the site file becomes a driver of its devices, and the example has them all."""

import inspect
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from config.load import load_settings
from config.secret import new_key, write_secret
from config.settings import Settings
from config.wiring import devices
from controllers.driver import Capabilities
from controllers.errors import BadSetup
from controllers.serial_frames import HexCr
from gateway.access.door import Relock
from gateway.drivers import CODECS, KINDS, Wiring, board_setup, drivers_of, home_assistant, readers_of
from gateway.presentation import Identifier
from gateway.site import CARDS, CODES, ID_CARDS, KEYS, PLATES, FireZone, Input
from gateway.wiring import site_of

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "config/site.example.yaml"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = load_settings(Path(shutil.copy(EXAMPLE, tmp_path / "site.yaml")))
    for name in ("broker.password", "broker-ha.password", "recorder.token", "site.key"):
        write_secret(tmp_path / "secrets" / name, new_key())
    keys = ", ".join(f'"{name}": "{new_key(16)}"' for name in ("lobby-1", "garage-in"))
    write_secret(settings.secrets.reader_keys_file, f"{{{keys}}}")
    return settings


def test_every_wired_device_has_a_driver_and_the_outputs_that_the_wiring_counts_on(settings: Settings) -> None:
    built = {name: has for each in drivers_of(settings, bytes(32), print) for name, has in each.devices().items()}
    wired = {each.name: each for each in devices(settings)}
    assert built.keys() == wired.keys()
    for name, has in built.items():
        assert has.outputs <= wired[name].outputs, name
        assert has.inputs <= wired[name].inputs, name
        assert (has.cards or has.text) == wired[name].reads or name in ("lobby-1", "garage-in"), name


def test_the_example_wires_every_kind(settings: Settings) -> None:
    assert {reader.kind for reader in readers_of(settings)} == set(KINDS)
    assert {reader.name for reader in readers_of(settings)} == {each.name for each in devices(settings)}


def test_a_reader_takes_what_its_driver_hands_over(settings: Settings) -> None:
    built = {name: has for each in drivers_of(settings, bytes(32), print) for name, has in each.devices().items()}
    found = {each.name: each.takes for each in readers_of(settings) if each.kind not in ("osdp", "uhppote")}
    assert found
    for name, takes in found.items():
        has = built[name]
        assert bool(takes & (CARDS | ID_CARDS)) == has.cards, name
        assert bool(takes & (CODES | PLATES)) == has.text, name
        assert bool(takes & KEYS) == has.keys, name


def test_only_a_secure_channel_is_worth_more_than_a_plain_number(settings: Settings) -> None:
    assert {reader.kind for reader in readers_of(settings) if reader.assurance} == {"osdp"}


def test_every_framing_has_its_codec(settings: Settings) -> None:
    reader = settings.serial_readers[0]
    for framing in ("hex_cr", "dec10_crlf", "stx_etx"):
        CODECS[framing](reader.model_copy(update={"framing": framing, "format": None}))


def test_home_assistant_has_its_own_login_and_shows_all_doors(settings: Settings) -> None:
    shown = home_assistant(settings, print, print)
    assert shown is not None
    assert shown[1].devices() == {}
    assert shown[0].topics() == ["menjin/ha/clubhouse/set"]


def test_an_unknown_card_format_is_a_bad_setup(settings: Settings) -> None:
    reader = readers_of(settings)[0]
    with pytest.raises(BadSetup, match="WG99"):
        Identifier(bytes(32), [type(reader)(reader.name, reader.kind, ("WG99",))])


def capabilities(settings: Settings, kind: str) -> Capabilities:
    """What all devices of a kind can do together."""
    built = KINDS[kind].build(Wiring(settings, bytes(32), print))
    has = [each for driver in built for each in driver.devices().values()]
    return Capabilities(
        has[0].decides,
        *(any(getattr(each, what) for each in has) for what in ("cards", "text", "keys")),
        inputs=max(each.inputs for each in has),
        outputs=max(each.outputs for each in has),
        feedback=any(each.feedback for each in has),
    )


def test_the_readme_tells_of_each_kind_what_its_drivers_say(settings: Settings) -> None:
    lines = (ROOT / "controllers/README.md").read_text(encoding="utf-8").splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]
    shown = {row[0]: row for row in cells if len(row) == 8 and row[0] not in ("kind", "---")}
    assert shown.keys() == KINDS.keys()
    for kind, (_, place, decides, gives, inputs, outputs, signals, words) in shown.items():
        has = capabilities(settings, kind)
        assert decides == has.decides, kind
        assert set(gives.split(", ")) == {what for what in ("cards", "keys", "text") if getattr(has, what)}, kind
        if kind != "osdp":  # a reader tells what it has when it comes on line
            told = (str(has.inputs), str(has.outputs), "yes" if has.feedback else "no")
            assert (inputs, outputs, signals) == told, kind
        node: Any = settings
        for part in place.split("."):
            node = getattr(node[0] if isinstance(node, tuple) else node, part)
        assert node, kind
        for name in re.findall(r"`(\w+\*?\.py)`", words):
            assert list((ROOT / "controllers").glob(name)), name


def test_the_drivers_page_shows_a_whole_driver_as_it_is() -> None:
    assert inspect.getsource(HexCr) in (ROOT / "controllers/README.md").read_text(encoding="utf-8")


def test_the_doors_are_wired_as_the_site_file_says(settings: Settings) -> None:
    site = site_of(settings)
    lobby, door = site.points["lobby-1"], site.doors[0]
    assert (lobby.zone_from, lobby.zone_to, lobby.min_assurance) == ("estate", "building-1", 1)
    assert lobby.assurance_by == (("night", 3),)
    assert (door.rex, door.fire_zone, door.schedule) == (Input("lobby-1", 1), "building-1-fire", "lobby-hours")
    assert (door.config.relock, door.config.relock_delay_s, door.config.extended_s) == (Relock.CLOSE, 0.5, 10)
    assert (door.config.first_in, door.may_block, door.opens_outwards_unrecorded) == (True, True, True)
    assert site.fire_zones == [FireZone("building-1-fire", Input("lobby-1", 2))]
    assert [reader.name for reader in site.readers if reader.plates] == ["garage-plates"]


def test_boards_lists_are_kept_only_where_the_site_says_so(settings: Settings) -> None:
    write_secret(settings.gateway.api.token_file, "token") if settings.gateway else None
    site = site_of(settings)
    assert board_setup(settings, site) is None
    wanted = settings.model_copy(update={"site": settings.site.model_copy(update={"board_lists": True})})
    setup = board_setup(wanted, site)
    assert setup
    (listed,) = setup.boards
    assert listed.board.name == "board-1"
    assert len(listed.doors) == 4
    assert all(name in {point.name for point in setup.points} for names in listed.doors for name in names)
    assert "token" not in repr(setup), "it holds keys"
