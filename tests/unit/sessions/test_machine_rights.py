import pytest

from cloche.errors import DeniedError
from cloche.ids import PrincipalName
from cloche.sessions.machine_rights import require_machine, require_scope
from cloche.sessions.principal import Principal, Role, Scope

USER = Principal(PrincipalName("ann"), Role.USER)
SCOPED = Principal(PrincipalName("ann"), Role.USER, frozenset({Scope.MACHINE}))
ADMIN = Principal(PrincipalName("root"), Role.ADMIN)


@pytest.mark.parametrize("principal", [SCOPED, ADMIN])
def test_admins_and_keys_with_the_scope_may(principal: Principal) -> None:
    require_scope(principal)
    require_machine(principal, made_with=True)


@pytest.mark.parametrize(
    ("principal", "made_with", "reason"),
    [
        (USER, True, "machine_not_allowed"),
        (USER, False, "machine_off"),
        (SCOPED, False, "machine_off"),
        (ADMIN, False, "machine_off"),
    ],
)
def test_others_and_other_sessions_are_refused_with_the_reason(
    principal: Principal, made_with: bool, reason: str
) -> None:
    with pytest.raises(DeniedError) as denied:
        require_machine(principal, made_with=made_with)
    assert denied.value.fields["reason"] == reason
