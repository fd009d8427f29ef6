"""What is decided, and on what grounds."""

from dataclasses import dataclass
from typing import NamedTuple

from gateway.access.lease import Age, Leases, age
from gateway.access.model import Credential
from gateway.access.presence import PresenceChange
from gateway.access.reasons import DenyReason
from gateway.access.table import PermissionTable


@dataclass(frozen=True, slots=True)
class LiveUsed:
    """Keep with the grant: this handle's next code must be newer than `iat`."""

    handle: bytes
    iat: int


@dataclass(frozen=True, slots=True)
class Used:
    """Keep with the grant: use number `n` of a pass (its id) or credential (its key); of no interest after `until`."""

    id: bytes
    n: int
    until: int


PassageChange = LiveUsed | Used


class Grounds(NamedTuple):
    """What a decision stands on. A credential in the table's file is read when somebody asks for it."""

    what: Credential | int | None  # int: where the file has its record; None: a pass, or not known
    table: PermissionTable
    now: float  # Unix seconds
    leases: Leases

    @property
    def found(self) -> Credential | None:
        """The credential that was decided on."""
        return self.table.stored(self.what) if isinstance(self.what, int) else self.what

    @property
    def age(self) -> Age | None:
        """How fresh the credential was; None without one."""
        found = self.found
        return None if found is None else age(found, self.leases, self.now)


Basis = tuple[Credential | int | None, PermissionTable, float, Leases]  # the fields of Grounds, as made for every read


class Granted(NamedTuple):
    """The door may open once the changes are durable."""

    basis: Basis
    right: tuple[int, int] | None  # the numbers of its profile and schedule in the table's file
    changes: tuple[PassageChange, ...] = ()
    duress: bool = False  # a silent cry for help: no outward sign
    moves: tuple[PresenceChange, ...] = ()  # note them when the door is taken
    notes: tuple[DenyReason, ...] = ()  # what a soft rule would have refused for
    extended: bool = False  # the person needs longer

    @property
    def grounds(self) -> Grounds:
        """What the decision stands on."""
        return Grounds(*self.basis)

    @property
    def policy(self) -> str:
        """The policy that gives the right: "profile/schedule"."""
        return self.grounds.table.policy(self.right) if self.right else ""

    @property
    def credential(self) -> Credential | None:
        """Whose right it is; None for a pass."""
        return self.grounds.found


class Denied(NamedTuple):
    """The door stays shut, for the first reason in the order of CHECKS. `basis` is None if nothing could be read."""

    reason: DenyReason
    basis: Basis | None = None
    moves: tuple[PresenceChange, ...] = ()  # note them at once: the first of two persons
    changes: tuple[PassageChange, ...] = ()  # what he has spent thereby
    duress: bool = False  # a silent cry for help: no outward sign

    @property
    def grounds(self) -> Grounds | None:
        """What the decision stands on."""
        return Grounds(*self.basis) if self.basis else None

    @property
    def credential(self) -> Credential | None:
        """What was refused, if it is known."""
        return self.grounds.found if self.grounds else None
