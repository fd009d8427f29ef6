"""What a read presents: numbers that are nobody's present nothing."""

import pytest

from controllers.driver import CardRead, Seen
from controllers.wiegand import encode
from gateway.access.presented import Card, Unreadable
from gateway.access.reasons import DenyReason
from gateway.presentation import Identifier
from gateway.site import Reader


@pytest.mark.parametrize("name", ["H10301", "WG34N", "WG58", "WG66", "WG32"])
def test_a_zero_number_is_every_id_card_and_so_nobodys(name: str) -> None:
    """A plain type-B reader gives zero for each resident ID card, whose PUPI is always zero."""
    identifier = Identifier(bytes(32), [Reader("r", "osdp", (name,))])
    zero, one = (CardRead("r", *encode(name, 0, number), Seen(0, 0, 1)) for number in (0, 1))
    assert identifier.card(zero).presented == Unreadable(DenyReason.MALFORMED)
    assert isinstance(identifier.card(one).presented, Card)
