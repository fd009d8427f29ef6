"""Card numbers for the boards that keep a list of their own, where a site opted in (`site.board_lists`).

Everything else knows a card by its keyed hash alone. Here the number stands beside it, sealed under the site key with
the hash as context, and leaves sealed, to a gateway alone, for a card that the gateway names by its hash.
"""

from collections.abc import Sequence
from typing import Annotated, Any

from msgspec import Meta, Struct
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from mgmt_api.office.formats import canonical
from mgmt_api.office.wire_base import FormatName
from mgmt_api.tables.office import Credential

KEYS_MAX = 500


class Asked(Struct, forbid_unknown_fields=True, frozen=True):
    """POST /gateways/{id}/card-numbers."""

    format: FormatName
    keys: Annotated[list[Annotated[str, Meta(pattern=r"^[0-9a-f]{32}$")]], Meta(max_length=KEYS_MAX)]


def settle(session: Session, keep: bool) -> int:
    """Make what is kept what the site file says; how many cards central must send again.

    Numbers that may no longer be kept are erased. Those that were not kept before were never written down: the next
    snapshot brings them, since their rows are made to look changed.
    """
    cards = Credential.type == "card"
    if not keep:
        session.execute(update(Credential).where(Credential.sealed != b"").values(sealed=b""))
        return 0
    session.execute(update(Credential).where(cards, Credential.sealed == b"").values(digest=b""))
    return session.scalar(select(func.count()).where(cards, Credential.sealed == b"")) or 0


def sealed(session: Session, asked: Asked) -> dict[str, Any]:
    """`numbers`: by key in hex, the sealed "facility-card" of those cards that are of this format and kept."""
    keys: Sequence[bytes] = [bytes.fromhex(key) for key in asked.keys]
    format_ = canonical(asked.format) or asked.format
    found = select(Credential.key, Credential.sealed).where(
        Credential.key.in_(keys), Credential.format == format_, Credential.sealed != b""
    )
    return {"numbers": {row.key.hex(): row.sealed.hex() for row in session.execute(found)}}
