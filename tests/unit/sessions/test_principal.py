from cloche.ids import PrincipalName
from cloche.sessions.principal import Principal, Role


def test_a_user_may_use_only_what_is_the_users_own() -> None:
    alice = Principal(PrincipalName("alice"), Role.USER)

    assert alice.may_use(PrincipalName("alice"))
    assert not alice.may_use(PrincipalName("bob"))


def test_an_admin_may_use_everything() -> None:
    assert Principal(PrincipalName("root"), Role.ADMIN).may_use(PrincipalName("alice"))
