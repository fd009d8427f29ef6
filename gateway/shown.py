"""What was presented, as it stands in an event and as it is made again from one: all that a decision looks at."""

from typing import Any

from gateway.access.decision import Card, DenyReason, Live, Pass, Presented, Unreadable
from gateway.access.holders import BEST, Best
from gateway.access.mj1 import LiveCode, VisitorPass
from gateway.access.model import Credential, CredentialType

Facts = dict[str, Any]  # JSON values
NOBODYS = bytes(16)  # a key that no credential has


def facts(shown: Presented) -> Facts:
    """What an event tells of a presentation, beside its credential: no number, no signature, no PIN."""
    match shown:
        case Card(assurance=assurance, pin=pin):
            return {"assurance": assurance} | ({"pin": True} if pin else {})
        case Live(code=code, signature_ok=ok, pin=pin):
            told = {"site": code.site, "iat": code.iat, "flags": code.flags, "door": code.door, "signed": ok}
            return told | ({"pin": True} if pin else {})
        case Pass(code=code, signature_ok=ok):
            window = {"nbf": code.nbf, "exp": code.exp, "max_uses": code.max_uses}
            return {"kid": code.kid, "site": code.site, "profile": code.profile, "signed": ok, **window}
        case _:
            return {}


def code_id(shown: Presented) -> bytes:
    """The handle of a live code, or the id of a pass; empty for all else."""
    match shown:
        case Live(code=code):
            return code.handle
        case Pass(code=code):
            return code.pass_id
        case _:
            return b""


def again(event: Facts, holder: Credential | None) -> Presented:
    """What an event's presentation was. `holder`: the credential that it names, as it stood then."""
    told, type_, reason = _told(event), event.get("credential_type", ""), event.get("reason", "")
    raw = event.get("raw", "")
    if type_ == CredentialType.PASS and "exp" in told:
        window = told["nbf"], told["exp"], told["profile"], 0, told["max_uses"]
        return Pass(VisitorPass(told["kid"], bytes.fromhex(raw), told["site"], *window, b"", b""), told["signed"])
    key = holder.key if holder else NOBODYS
    pin = _pin(told, reason, holder)
    if type_ == CredentialType.LIVE and "iat" in told:
        where = told["iat"], told["flags"], told["door"]
        return Live(key, LiveCode(0, bytes.fromhex(raw), told["site"], *where, b"", b""), told["signed"], pin)
    unread = {DenyReason.MALFORMED, DenyReason.UNKNOWN_FORMAT, DenyReason.READER_THROTTLED}
    if reason in unread or (type_, reason) == (CredentialType.PIN, DenyReason.INVALID_PIN):  # a PIN alone, of nobody
        return Unreadable(DenyReason(reason))
    return Card(key, told.get("assurance", BEST[CredentialType(type_)] if type_ else 0), pin)


def at_best(holder: Credential, site: int, at: float, best: Best = BEST, *, pin: bool = True) -> Presented:
    """A credential presented as well as its holder can: a fresh code, its own PIN (or none) where there are keys."""
    with_it = holder.pin if pin and CredentialType.PIN in best else b""
    if holder.type is CredentialType.LIVE:
        return Live(holder.key, LiveCode(0, bytes(8), site, int(at), 0, 0, b"", b""), True, with_it)
    return Card(holder.key, best[holder.type], with_it)


def _told(event: Facts) -> Facts:
    found = event.get("detail", {}).get("shown", {})
    return found if isinstance(found, dict) else {}


def _pin(told: Facts, reason: str, holder: Credential | None) -> bytes:
    """The PIN that came with it: which one it was is not written down, but whether it was right is."""
    if not told.get("pin") or holder is None:
        return b""
    return NOBODYS if reason == DenyReason.INVALID_PIN else holder.pin
