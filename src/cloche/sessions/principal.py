"""Who is asking. A door turns a credential into a `Principal`; everything below trusts only that."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from cloche.ids import PrincipalName


class Role(StrEnum):
    ADMIN = "admin"  # sees and ends every session, manages keys
    USER = "user"  # owns sessions and sees only those


class Scope(StrEnum):
    """What a user's key may do beyond driving sessions. An admin's may everything."""

    RELEASE = "release"  # let quarantined files out of quarantine
    MACHINE = "machine"  # make sessions with `machine`, and run programs and read files in them


NO_SCOPES: Final[frozenset[Scope]] = frozenset()


@dataclass(frozen=True, slots=True)
class Principal:
    name: PrincipalName
    role: Role
    scopes: frozenset[Scope] = NO_SCOPES

    def has(self, scope: Scope) -> bool:
        return self.role is Role.ADMIN or scope in self.scopes

    def may_use(self, owner: PrincipalName) -> bool:
        """Whether this principal may see and drive what `owner` owns."""
        return self.role is Role.ADMIN or self.name == owner
