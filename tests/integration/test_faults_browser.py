"""A Chromium that is missing, broken, hanging or crashing: the session fails with the reason, and nothing stays."""

import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from cloche.testing.daemon import DaemonProcess
from cloche.testing.http import Answer
from cloche.testing.traces import await_no_traces, traces
from cloche.testing.watching import all_events


@pytest.fixture(scope="module")
def _mendable(stub_browser: Path) -> Iterator[DaemonProcess]:
    daemon = DaemonProcess(browser_start_timeout_s=20, start_timeout_s=4)
    daemon.settings["chromium_shell"] = daemon.directory / "browser" / "chromium"
    shutil.copytree(stub_browser.parent, daemon.directory / "browser")
    with daemon:
        yield daemon


@pytest.fixture
async def mendable(_mendable: DaemonProcess, stub_browser: Path) -> AsyncIterator[DaemonProcess]:
    """A daemon whose browser may be broken; it is mended afterwards, and then a session must start."""
    yield _mendable
    await mend(_mendable, stub_browser)
    session = await _mendable.create_session()
    await _mendable.request("DELETE", f"/v1/sessions/{session['id']}")
    await await_no_traces(_mendable)


async def mend(daemon: DaemonProcess, stub_browser: Path) -> None:
    shutil.rmtree(browser_of(daemon).parent, ignore_errors=True)
    shutil.copytree(stub_browser.parent, browser_of(daemon).parent)
    assert (await daemon.request("GET", "/readyz")).status == 200


def browser_of(daemon: DaemonProcess) -> Path:
    return Path(str(daemon.settings["chromium_shell"]))


async def create(daemon: DaemonProcess, **body: object) -> Answer:
    return await daemon.request("POST", "/v1/sessions", body, timeout_s=15)


async def newest(daemon: DaemonProcess) -> dict[str, Any]:
    session: dict[str, Any] = (await daemon.request("GET", "/v1/sessions?limit=1")).json["sessions"][0]
    return session


async def assert_failed_cleanly(daemon: DaemonProcess, answer: Answer, reason: str) -> None:
    """The create answered with `reason`, the row and the events tell it too, and nothing of the sandbox is left."""
    assert (answer.status, answer.json["code"], answer.json["reason"]) == (502, "start_failed", reason)
    assert answer.json["retryable"] is True
    await await_no_traces(daemon)
    session = await newest(daemon)
    assert (session["status"], session["reason"], session["connect_url"]) == ("failed", "start_failed", None)
    last = (await all_events(daemon, session["id"]))[-1]
    assert (last["type"], last["data"]["detail"]) == ("session.failed", reason)
    metrics = (await daemon.request("GET", "/metrics")).body.decode()
    assert f'cloche_session_starts_failed_total{{reason="{reason}"}}' in metrics


async def assert_told_by_readyz(daemon: DaemonProcess, part: str) -> None:
    answer = await daemon.request("GET", "/readyz")
    assert (answer.status, answer.json["ready"]) == (503, False)
    assert part in " ".join(answer.json["reasons"].values())
    assert "retry-after" in answer.headers


async def test_a_missing_chromium_fails_the_start_and_readiness(
    mendable: DaemonProcess,
) -> None:
    browser_of(mendable).unlink()
    await assert_failed_cleanly(mendable, await create(mendable), "chromium_missing")
    await assert_told_by_readyz(mendable, "not installed")


async def test_a_directory_in_its_place_is_a_missing_chromium(mendable: DaemonProcess) -> None:
    browser_of(mendable).unlink()
    browser_of(mendable).mkdir()
    await assert_failed_cleanly(mendable, await create(mendable), "chromium_missing")


async def test_a_chromium_that_may_not_be_executed_fails_the_start_and_readiness(mendable: DaemonProcess) -> None:
    browser_of(mendable).chmod(0o644)
    await assert_failed_cleanly(mendable, await create(mendable), "chromium_not_executable")
    await assert_told_by_readyz(mendable, "cannot be executed")


async def test_a_chromium_that_is_no_program_is_told_as_one_that_cannot_be_executed(mendable: DaemonProcess) -> None:
    browser_of(mendable).write_bytes(b"\x01not a program\x00" * 100)
    await assert_failed_cleanly(mendable, await create(mendable), "exec_failed")


async def test_a_chromium_whose_directory_is_closed_to_other_users_is_told(mendable: DaemonProcess) -> None:
    browser_of(mendable).parent.chmod(0o700)
    await assert_failed_cleanly(mendable, await create(mendable), "path_unreachable")
    await assert_told_by_readyz(mendable, "cannot be reached")


async def test_the_whole_start_has_a_deadline_of_its_own(mendable: DaemonProcess) -> None:
    await assert_failed_cleanly(mendable, await create(mendable, user_agent="hang"), "start_timeout")


async def test_a_chromium_that_crashes_at_start_is_not_tried_again(stub_daemon: DaemonProcess) -> None:
    await assert_failed_cleanly(stub_daemon, await create(stub_daemon, user_agent="crash"), "crashed_at_start")
    types = [event["type"] for event in await all_events(stub_daemon, (await newest(stub_daemon))["id"])]
    assert "browser.restarting" not in types


@pytest.mark.parametrize("temper", ["hang", "mute", "babble"])
async def test_a_chromium_that_never_answers_is_given_up(stub_daemon: DaemonProcess, temper: str) -> None:
    await assert_failed_cleanly(stub_daemon, await create(stub_daemon, user_agent=temper), "start_timeout")


async def test_the_last_words_of_a_broken_chromium_are_in_the_log_and_not_in_the_answer(
    stub_daemon: DaemonProcess,
) -> None:
    answer = await create(stub_daemon, user_agent="crash")
    said = await stub_daemon.wait_for_log("browser_gave_up", lambda line: "cannot go on" in line["browser_log"])
    assert said["reason"] == "crashed_at_start"
    assert b"cannot go on" not in answer.body


async def test_a_chromium_that_crashes_in_a_loop_ends_its_session_and_no_other(
    stub_daemon: DaemonProcess,
) -> None:
    bystander = await stub_daemon.create_session()
    looping = await stub_daemon.create_session(user_agent="loop")
    events = await all_events(stub_daemon, looping["id"])
    types = [event["type"] for event in events]
    assert types.count("browser.restarting") == 2, "the restart budget of this daemon"
    assert types.count("browser.ready") == types.count("browser.exited") == 3
    assert types[-1] == "session.failed"
    assert events[-1]["data"]["reason"] == "browser_gave_up"
    ended = await stub_daemon.request("GET", f"/v1/sessions/{looping['id']}")
    assert (ended.json["status"], ended.json["usage"]["browser_restarts"]) == ("failed", 2)
    assert (await stub_daemon.request("GET", f"/v1/sessions/{bystander['id']}/json/list")).status == 200
    assert len([line for line in traces(stub_daemon) if "/run/ses_" in line]) == 1, "only the bystander's directory"


async def test_a_question_to_a_session_that_ends_meanwhile_is_answered_with_its_end(stub_daemon: DaemonProcess) -> None:
    """The client waits for a browser that is starting again; it learns at once that there will be none."""
    session = await stub_daemon.create_session(user_agent="loop")
    answer = await stub_daemon.request("GET", f"/v1/sessions/{session['id']}/json/version", timeout_s=20)
    while answer.status == 200:
        answer = await stub_daemon.request("GET", f"/v1/sessions/{session['id']}/json/version", timeout_s=20)
    assert answer.status in (410, 502)
    await all_events(stub_daemon, session["id"])
    answer = await stub_daemon.request("GET", f"/v1/sessions/{session['id']}/json/version")
    assert (answer.status, answer.json["reason"]) == (410, "browser_gave_up")


async def test_a_chromium_that_ignores_sigterm_is_killed(stub_daemon: DaemonProcess) -> None:
    session = await stub_daemon.create_session(user_agent="linger")
    ended = await stub_daemon.request("DELETE", f"/v1/sessions/{session['id']}")
    assert ended.json["status"] == "closed"
    assert traces(stub_daemon) == [], "closing answers when nothing of it runs"
