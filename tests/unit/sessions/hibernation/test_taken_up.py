"""A browser that a crash in the middle of a snapshot has left stopped."""

from cloche.sessions.hibernation.taken_up import TakenUp
from cloche.testing.kept_profiles import OneDirectory


async def test_a_browser_that_a_crash_left_stopped_is_started_and_one_that_runs_is_left_alone() -> None:
    for is_running in (False, True):
        runner = OneDirectory(is_running=is_running)
        adopted = TakenUp(runner)
        await adopted.begin()
        assert runner.is_running
        assert runner.expected == [True, False]
        assert runner.started_with == ({} if is_running else {"restore_tabs": True})
    runner = OneDirectory()
    new = TakenUp(runner)
    await new.furnish()
    await new.begin()
    assert runner.asked == []
