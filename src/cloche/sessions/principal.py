"""Who is asking. A door turns a credential into a `Principal`; everything below trusts only that."""

from dataclasses import dataclass
from enum import StrEnum

from cloche.ids import PrincipalName


class Role(StrEnum):
    ADMIN = "admin"  # sees and ends every session, manages keys
    USER = "user"  # owns sessions and sees only those


@dataclass(frozen=True, slots=True)
class Principal:
    name: PrincipalName
    role: Role

    def may_use(self, owner: PrincipalName) -> bool:
        """Whether this principal may see and drive what `owner` owns."""
        return self.role is Role.ADMIN or self.name == owner
