from pathlib import Path

import pytest

from cloche.daemon.policy import ceilings, egress_ceiling, engines, uid_range
from cloche.daemon.settings import Settings
from cloche.errors import InvalidError
from cloche.sandbox.namespace.uid_range import UidRange
from cloche.sandbox.spec import Engine


def settings(tmp_path: Path, **changes: object) -> Settings:
    return Settings.model_validate({"state_dir": tmp_path, "run_dir": tmp_path} | changes)


def test_a_default_above_its_ceiling_is_lowered_to_it(tmp_path: Path) -> None:
    found = ceilings(
        settings(tmp_path, memory_bytes=4 << 30, max_memory_bytes=1 << 30, lifetime_s=90, max_lifetime_s=60)
    )

    assert found.default_budget.memory_bytes == found.max_budget.memory_bytes == 1 << 30
    assert found.default_lifetime_s == 60


def test_full_chromium_is_offered_only_where_it_is_installed(tmp_path: Path) -> None:
    chromium = tmp_path / "chromium"
    assert set(engines(settings(tmp_path, chromium=chromium))) == {Engine.SHELL}

    chromium.touch()
    assert set(engines(settings(tmp_path, chromium=chromium))) == {Engine.SHELL, Engine.CHROME}


def test_private_hosts_are_open_to_name_on_loopback_and_closed_beyond_unless_a_ceiling_says_more(
    tmp_path: Path,
) -> None:
    assert egress_ceiling(settings(tmp_path), is_loopback=True).private_hosts is None
    assert egress_ceiling(settings(tmp_path), is_loopback=False).private_hosts == ()

    named = egress_ceiling(settings(tmp_path, private_hosts_ceiling="10.0.0.5:443,intranet.test:*"), is_loopback=False)
    assert named.private_hosts is not None and len(named.private_hosts) == 2


def test_the_servers_own_upstream_is_trusted_and_its_ports_and_denied_hosts_are_in_force(tmp_path: Path) -> None:
    base = egress_ceiling(
        settings(
            tmp_path, egress_upstream="http://10.0.0.1:3128", egress_ports="443", egress_deny_hosts="a.test, *.b.test"
        ),
        is_loopback=True,
    ).base

    assert base.upstream is not None and base.upstream.trusted
    assert base.ports.permits(443) and not base.ports.permits(80)
    assert [entry.text for entry in base.deny_hosts] == ["a.test", "*.b.test"]


@pytest.mark.parametrize("text", ["5", "a:b", "1000:0", "0:10", "999:5", ":", "1000:-1"])
def test_a_uid_range_is_a_first_and_a_count(tmp_path: Path, text: str) -> None:
    with pytest.raises(InvalidError):
        uid_range(settings(tmp_path, uid_range=text))


def test_without_a_setting_the_uid_range_is_the_documented_one(tmp_path: Path) -> None:
    assert uid_range(settings(tmp_path)) == UidRange()
    assert uid_range(settings(tmp_path, uid_range="300000:1000")) == UidRange(300_000, 1000)
