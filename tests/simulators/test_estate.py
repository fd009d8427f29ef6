import re
from pathlib import Path

from simulators.estate import BUILDINGS, Estate, build
from simulators.site import READERS, Site
from tests.simulators.conftest import truth


def test_the_same_seed_is_the_same_estate() -> None:
    assert build(7) == build(7)
    assert build(7) != build(8)


def test_the_estate_has_the_size_that_the_page_promises(estate: Estate) -> None:
    assert len(BUILDINGS) == 3
    assert 190 <= len(estate.residents) <= 210
    assert estate.phones
    assert {card.format for card in estate.cards} == {"H10301", "H10306"}


def test_no_two_cards_send_the_same_bits(estate: Estate) -> None:
    assert len({card.bits for card in estate.cards}) == len(estate.cards)


def test_operations_never_refer_ahead(estate: Estate) -> None:
    known: set[str] = set()
    for operation in estate.operations():
        body = operation["body"]
        needed = [body.get("resident"), *body.get("profiles", ()), *body.get("homes", ()), *body.get("special", ())]
        needed += [policy[name] for policy in body.get("policies", ()) for name in ("schedule", "zone")]
        assert {name for name in needed if name} <= known, operation
        known.add(operation["id"])


def test_a_phone_number_is_a_made_up_mobile_number(estate: Estate) -> None:
    assert all(re.fullmatch(r"19[89]\d{8}", resident.phone) for resident in estate.residents)


def test_a_written_site_is_one_that_menjin_accepts(site: Site) -> None:
    settings = site.settings
    assert {reader.name for bus in settings.buses for reader in bus.readers} == set(READERS)
    assert settings.api is not None
    assert site.api_url.endswith(str(settings.api.port))


def test_every_secret_is_its_owners_alone(site: Site) -> None:
    secrets = list((site.directory / "secrets").iterdir())
    assert secrets
    assert {path.stat().st_mode & 0o777 for path in secrets} == {0o600}


def test_two_sites_of_one_seed_share_the_truth_but_no_secret(tmp_path: Path, estate: Estate) -> None:
    from simulators.site import write_site

    one, two = write_site(tmp_path / "one", estate), write_site(tmp_path / "two", estate)
    assert truth(one)["operations"] == truth(two)["operations"]
    assert one.secret("site.key").read_text() != two.secret("site.key").read_text()
