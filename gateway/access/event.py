"""What is written down: one access event, and its canonical bytes for the hash chain."""

import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


class EventKind(StrEnum):
    """Kinds of event. Granted, Taken and NotTaken are three events of one passage."""

    GRANTED = "Granted"
    DENIED = "Denied"
    TAKEN = "Taken"
    NOT_TAKEN = "NotTaken"
    DOOR_FORCED_OPEN = "DoorForcedOpen"
    DOOR_OPEN_TOO_LONG = "DoorOpenTooLong"
    DOOR_CLOSED = "DoorClosed"
    REMOTE_UNLOCK = "RemoteUnlock"  # an operator's order, before the command leaves
    COMMAND_OUTCOME = "CommandOutcome"  # reason: Done, Refused (detail.why: a DenyReason), Expired or Unknown
    STALE_READ = "StaleRead"  # a read that waited in the device while its link was down
    LINK_UP = "LinkUp"
    LINK_DOWN = "LinkDown"
    TAMPER = "Tamper"
    POWER_FAULT = "PowerFault"
    READER_ALARM = "ReaderAlarm"  # five refused reads in a row (GB 50396-2007 5.1.5)
    DEVICE_RECORD = "DeviceRecord"  # what a device decided or noted by itself; reason: its own words
    DEVICE_ALARM = "DeviceAlarm"  # reason: what is wrong at a device, such as a reader with the public default key
    KEY_CHANGED = "KeyChanged"  # a reader proved its new secure-channel key
    DEVICE_WORK = "DeviceWork"  # an installer's order at a device; reason: which; detail.result once it ended
    TABLE_ADOPTED = "TableAdopted"
    GATEWAY_STARTED = "GatewayStarted"
    DURESS = "Duress"  # a silent cry for help, beside the event of its presentation; no outward sign
    PARDONED = "Pardoned"  # nobody knows any more who is in a zone: amnesty, or nobody saw who passed
    REX = "RequestToExit"
    DOOR_MODE = "DoorMode"  # reason: the mode that the door is at now
    ORDERED = "Ordered"  # an operator's order other than an unlock, before it is carried out; detail: what
    FIRE_RELEASED = "FireReleased"
    FIRE_ENDED = "FireEnded"
    FIRE_RESET_REFUSED = "FireResetRefused"  # a reset while the loop is not whole


@dataclass(frozen=True, slots=True)
class AccessEvent:
    """One thing that happened. Empty fields are left out of the record."""

    kind: EventKind
    occurred_at: float  # Unix seconds
    door: str = ""
    access_point: str = ""
    reader: str = ""
    credential: str = ""  # credential id, never its number
    credential_type: str = ""
    holder: str = ""
    reason: str = ""  # DenyReason, command result, link reason
    policy: str = ""  # "profile/schedule" that granted
    raw: str = ""  # of a card that nobody has "26:0ca0a73" (bit count, right-aligned hex); of a code its handle or id
    command_id: str = ""
    operator: str = ""
    table_version: int = 0
    freshness: str = ""  # of the credential's data: fresh, stale or expired
    age_s: int = 0  # since the office confirmed it
    clock: str = "synced"  # or "free" (no time source), "stepped" (set back) or "leapt" (set ahead)
    detail: dict[str, Any] = field(default_factory=dict)

    def record(self) -> dict[str, Any]:
        """The event as a JSON object without its empty fields."""
        values = ((name, getattr(self, name)) for name in self.__slots__)
        return {name: value for name, value in values if value not in ("", 0, {})}


def canonical(record: dict[str, Any]) -> bytes:
    """The bytes that the chain hashes: JSON, keys sorted, no spaces, UTF-8."""
    return _CANONICAL.encode(record).encode()
