"""Which limits are in force, and why not better ones."""

from cloche.daemon.doctor import control_groups
from cloche.process.cgroup_none import NoCgroupRoot


def test_without_control_groups_the_reason_is_passed_on() -> None:
    result = control_groups.judge(NoCgroupRoot("nothing is mounted"))
    assert result.ok is None
    assert "nothing is mounted" in result.found
