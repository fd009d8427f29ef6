"""Whether a door would take a code, by the doors' own decision, at a door of one street and one yard."""

from datetime import UTC, datetime
from typing import Any

from gateway.access import mj1
from gateway.access.decision import Denied, Live, Pass, decide
from gateway.access.generation import build
from gateway.access.holders import NOTHING
from gateway.access.identifier import KEY_BYTES
from gateway.access.model import (
    AccessPoint,
    AccessPolicy,
    AccessProfile,
    Credential,
    CredentialState,
    CredentialType,
    HolderClass,
    IssuerKey,
    Row,
    Schedule,
    Window,
    Zone,
)
from gateway.access.reasons import sentence
from gateway.access.table import PermissionTable
from gateway.codes import verifies

ALWAYS = Schedule("always", tuple(Window(weekday, 0, 1440) for weekday in range(1, 8)))


def verdict(code: mj1.LiveCode | mj1.VisitorPass, public_key: bytes, site: int, door: int, at: float) -> dict[str, Any]:
    """{ok, reason, zh, en, at} of the decision at this Unix time; a code shown before is not known here.

    Raises:
        ValueError: the public key is not 33 bytes.
    """
    if len(public_key) != 33:
        raise ValueError(f"{len(public_key)} bytes instead of 33")
    ok = verifies(public_key, code.signed, code.signature)
    point = AccessPoint("door", "door", door, "street", "yard")
    profile = code.profile if isinstance(code, mj1.VisitorPass) else 1
    policies = (AccessPolicy("always", zone="yard"),)
    rows: list[Row] = [Zone("street"), Zone("yard", "street", public=True), ALWAYS]
    rows.append(AccessProfile("all", max(profile, 1), policies))
    key = code.handle.ljust(KEY_BYTES, b"\0") if isinstance(code, mj1.LiveCode) else b""
    if isinstance(code, mj1.LiveCode):
        who = "live", key, CredentialType.LIVE, "holder", HolderClass.RESIDENT, CredentialState.ENABLED, ("all",)
        rows.append(Credential(*who, public_key=public_key))
        shown: Live | Pass = Live(key, code, ok)
    else:
        rows.append(IssuerKey(code.kid, public_key))
        shown = Pass(code, ok)
    table = PermissionTable.load(build(rows, 1), [point], UTC, site=site)
    decision = decide(table, NOTHING, point, shown, at)
    told = {"at": datetime.fromtimestamp(at, UTC).isoformat()}
    if isinstance(decision, Denied):
        zh, en = sentence(decision.reason, decision.credential)
        return {"ok": False, "reason": decision.reason.value, "zh": zh, "en": en, **told}
    return {"ok": True, "reason": None, "zh": "有效。", "en": "It is good.", **told}
