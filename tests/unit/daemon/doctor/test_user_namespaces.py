"""Each kernel switch that forbids user namespaces is found and mended by its own command."""

import pytest

from cloche.daemon.doctor import user_namespaces


@pytest.mark.parametrize(
    ("values", "mend"),
    [
        ({"kernel.unprivileged_userns_clone": 0}, "kernel.unprivileged_userns_clone=1"),
        ({"kernel.apparmor_restrict_unprivileged_userns": 1}, "kernel.apparmor_restrict_unprivileged_userns=0"),
        ({"user.max_user_namespaces": 0}, "user.max_user_namespaces=28633"),
    ],
)
def test_each_kernel_switch_is_mended_by_its_own_command(values: dict[str, int], mend: str) -> None:
    result = user_namespaces.judge(values)
    assert result.ok is False
    assert f"sysctl -w {mend}" in result.mend


def test_switches_a_kernel_does_not_have_forbid_nothing() -> None:
    assert user_namespaces.judge({}).ok is True
