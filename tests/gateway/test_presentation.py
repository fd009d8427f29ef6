"""What a read presents: numbers that are nobody's present nothing."""

from datetime import UTC

import pytest

from controllers.driver import CardRead, Seen, TextRead
from controllers.wiegand import encode
from gateway.access.generation import build
from gateway.access.identifier import identifier_key
from gateway.access.mj1 import join_keys
from gateway.access.model import Credential, CredentialState, CredentialType, HolderClass
from gateway.access.presented import Card, Live, Unreadable
from gateway.access.reasons import DenyReason
from gateway.access.table import PermissionTable
from gateway.presentation import Identifier, Presentation
from gateway.site import Reader
from tests.gateway.world import HANDLE, SITE_KEY, Key


@pytest.mark.parametrize("name", ["H10301", "WG34N", "WG58", "WG66", "WG32"])
def test_a_zero_number_is_every_id_card_and_so_nobodys(name: str) -> None:
    """A plain type-B reader gives zero for each resident ID card, whose PUPI is always zero."""
    identifier = Identifier(bytes(32), [Reader("r", "osdp", (name,))])
    table = PermissionTable.load(build([], 1), [], UTC, site=7)
    zero, one = (CardRead("r", *encode(name, 0, number), Seen(0, 0, 1)) for number in (0, 1))
    assert identifier.card(zero, table).presented == Unreadable(DenyReason.MALFORMED)
    assert isinstance(identifier.card(one, table).presented, Card)


def test_a_phone_changes_its_key_and_each_key_is_good_under_its_own_number_alone() -> None:
    old, new = Key(), Key()
    key = identifier_key(SITE_KEY, "live", "MJ1", HANDLE.hex())

    def good(keys: bytes, phone: Key, kid: int) -> bool:
        row = Credential("c", key, CredentialType.LIVE, "r", HolderClass.RESIDENT, CredentialState.ENABLED, (),
                         public_key=keys)  # fmt: skip
        table = PermissionTable.load(build([row], 1), [], UTC, site=7)
        shown = Identifier(SITE_KEY, []).of(TextRead("scan", phone.live(1, kid), Seen(0.0, 0.0, 1)), table).presented
        assert isinstance(shown, Live)
        return shown.signature_ok

    both, later = join_keys({0: old.public, 1: new.public}), join_keys({1: new.public})
    assert [good(old.public, old, kid) for kid in (0, 1)] == [True, False]
    assert [good(both, old, kid) for kid in (0, 1, 2)] == [True, False, False]
    assert [good(both, new, kid) for kid in (0, 1, 2)] == [False, True, False]
    assert (good(later, old, 0), good(later, old, 1), good(later, new, 1)) == (False, False, True)


@pytest.mark.parametrize("text", ["京A12345", "京a·12345", "京Ａ-１２３４５", " 京A 12345"])
def test_a_plate_is_looked_up_however_it_is_written(text: str) -> None:
    shown = plate(text)
    assert shown.presented == Card(identifier_key(bytes(32), "plate", "GA36", "京A12345"), assurance=0)
    assert (shown.type, shown.raw) == ("plate", "")


@pytest.mark.parametrize(
    "text", ["无牌车辆", "未识别", "A12", "京A12345678901", "³A12345", "MJ1:ABCDEFGH", "京A12345' OR 1=1"]
)
def test_what_is_no_plate_is_malformed_and_not_kept(text: str) -> None:
    shown = plate(text)
    assert shown.presented == Unreadable(DenyReason.MALFORMED)
    assert shown.raw == f"text:{len(text)}"


def plate(text: str) -> Presentation:
    """What a camera at the garage read; the same site's scanner reads codes."""
    identifier = Identifier(bytes(32), [Reader("lpr", "scanner", plates=True), Reader("scan", "scanner")])
    table = PermissionTable.load(build([], 1), [], UTC, site=7)
    assert identifier.of(TextRead("scan", text, Seen(0.0, 0.0, 1)), table).presented == Unreadable(DenyReason.MALFORMED)
    return identifier.of(TextRead("lpr", text, Seen(0.0, 0.0, 1)), table)


POSTER = "club-poster-2026"


def scanned(text: str, *, static_codes: bool) -> Presentation:
    identifier = Identifier(bytes(32), [], static_codes=static_codes)
    table = PermissionTable.load(build([], 1), [], UTC, site=7)
    return identifier.of(TextRead("scan", text, Seen(0.0, 0.0, 1, False)), table)


def test_a_fixed_text_is_malformed_until_the_site_turns_static_codes_on() -> None:
    off, on = (scanned(POSTER, static_codes=turned) for turned in (False, True))
    assert off.presented == Unreadable(DenyReason.MALFORMED)
    assert on.presented == Card(identifier_key(bytes(32), "static", "TEXT", POSTER), assurance=0)
    assert (on.type, on.raw) == ("static", "text:16")


@pytest.mark.parametrize(
    "text", ["", "short", "a" * 201, "two words here", "MJ1:ABCDEFGH", "line\nline-line", "大堂海报大堂海报"]
)
def test_no_other_text_is_a_static_code(text: str) -> None:
    assert scanned(text, static_codes=True).presented == Unreadable(DenyReason.MALFORMED)
