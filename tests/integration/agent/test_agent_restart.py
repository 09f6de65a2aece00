"""The browser stopped, started and restarted as it is asked, over the machine API."""

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from .commanded import START_URL, Commanded, dial
from .stage import until


@pytest.fixture
def commanded(host, start_agent, tmp_path: Path) -> Callable[..., Commanded]:
    return lambda *args, **changes: Commanded(host, start_agent, tmp_path, *args, **changes)


def test_a_restart_closes_the_old_browser_so_that_it_writes_and_answers_when_the_new_one_does(commanded) -> None:
    session = commanded()
    status, answer = session.restart()
    assert status == 200
    assert answer["browser"]["product"] == "Stub/1.0"
    assert answer["browser"]["pid"] != session.ready["pid"]
    assert answer["total_ms"] >= answer["start_ms"] > 0
    assert (session.profile / "kept").read_text() == START_URL
    assert session.part("browser")["pid"] == answer["browser"]["pid"]
    assert session.states() == [
        ("exited", "restart_asked"),
        ("starting", ""),
        ("ready", ""),
        ("exited", "stopped"),
    ]


def test_a_restart_that_is_asked_for_costs_no_budget_and_counts_as_none(commanded) -> None:
    session = commanded(browser={"restart_budget": 0})
    for _ in range(3):
        assert session.restart()[0] == 200
    assert session.part("browser")["restarts"] == 0
    assert session.agent.get_json("/health")["restarts"] == 0


def test_a_stopped_browser_stays_stopped_and_is_told_so(commanded) -> None:
    session = commanded()
    assert session.post("/browser/stop")[1].keys() == {"state", "stop_ms"}
    exited = session.link.read_until("browser", state="exited")["payload"]
    assert (exited["reason"], exited["pid"]) == ("stopped", session.ready["pid"])
    assert session.link.read_until("browser")["payload"] == {"state": "stopped"}
    part = session.part("browser")
    assert (part["state"], part["pid"], part["reason"]) == ("stopped", None, "stop_asked")
    assert session.post("/browser/stop")[1]["code"] == "browser_stopped"
    assert session.post("/browser/start")[0] == 200
    status, answer = session.post("/browser/start")
    assert (status, answer["code"]) == (409, "browser_running")
    assert session.part("browser")["reason"] == "start_asked"


def test_whoever_dials_a_stopped_browser_is_refused_at_once_and_a_restarting_one_waits(commanded) -> None:
    session = commanded()
    session.post("/browser/stop")
    answer, devtools = dial(session.agent, wait_s=60)
    assert devtools is None
    assert answer["code"] == "browser_stopped"
    with session.posting("/browser/restart") as restarted:
        session.link.read_until("browser", state="starting")
        answer, devtools = dial(session.agent, wait_s=5)
        assert devtools is not None
        devtools.close()
        assert restarted()[0] == 200


def test_a_host_that_comes_back_learns_that_the_browser_is_stopped(commanded, host) -> None:
    session = commanded()
    session.post("/browser/stop")
    session.link.read_until("browser", state="stopped")
    host.vanish()
    host.listen()
    assert host.accept().read()["payload"]["browser"] == {"state": "stopped", "restarts": 0}


@pytest.mark.parametrize("temper", ["deaf", "linger", "stubborn"])
def test_a_browser_that_will_not_go_is_made_to(commanded, temper: str) -> None:
    session = commanded(f"--user-agent={temper}", browser={"stop_grace_s": 0.3})
    assert session.post("/browser/stop")[0] == 200
    exited = session.link.read_until("browser", state="exited")["payload"]
    how = {"deaf": ("signal", 15), "linger": ("exit_code", 0), "stubborn": ("signal", 9)}[temper]
    assert exited[how[0]] == how[1]
    assert exited["reason"] == "stopped"


def test_five_restarts_at_once_all_succeed_one_after_the_other(commanded) -> None:
    session = commanded()
    answers = session.together([("/browser/restart", {"flags": [f"--mark={number}"]}) for number in range(5)])
    assert [status for status, _ in answers] == [200] * 5
    assert len({answer["browser"]["pid"] for _, answer in answers}) == 5
    assert session.states() == [("exited", "restart_asked"), ("starting", ""), ("ready", "")] * 5 + [
        ("exited", "stopped")
    ]


def test_restarts_and_crashes_at_once_leave_a_browser_that_answers(commanded) -> None:
    session = commanded(browser={"restart_budget": 50})
    for _ in range(5):
        pid = session.part("browser")["pid"]
        with session.posting("/browser/restart") as restarted:
            if pid is not None:
                os.kill(pid, signal.SIGKILL)
            assert restarted()[0] == 200
    assert session.devtools("/json/version")["Browser"] == "Stub/1.0"


def test_who_hangs_up_has_the_restart_done_all_the_same(commanded) -> None:
    session = commanded()
    with session.posting("/browser/restart", flags=["--mark=again"]):
        session.link.read_until("browser", state="exited")
    session.link.read_until("browser", state="ready")
    assert session.devtools("/json/version")["mark"] == "again"
    assert session.restart()[0] == 200


def test_who_hangs_up_before_its_turn_has_nothing_done(commanded) -> None:
    session = commanded("--user-agent=stubborn", browser={"stop_grace_s": 0.5})
    with session.posting("/browser/stop") as stopped:
        while (found := dial(session.agent, wait_s=0))[0].get("code") != "browser_stopped":
            if found[1] is not None:
                found[1].close()
        with session.posting("/browser/start"):
            pass
        assert stopped()[0] == 200
    # Had it stayed in the queue it would be served first.
    assert session.post("/browser/stop")[1]["code"] == "browser_stopped"


def test_a_stop_during_the_pause_after_a_crash_breaks_it_off_and_refuses_who_waits(commanded) -> None:
    session = commanded(browser={"restart_budget": 20})
    pid = session.ready["pid"]
    for _ in range(4):  # the pauses grow
        os.kill(pid, signal.SIGKILL)
        pid = session.link.read_until("browser", state="ready")["payload"]["pid"]
    os.kill(pid, signal.SIGKILL)
    session.link.read_until("browser", state="restarting")
    with session.agent.open_stream(b'{"stream":"devtools","pass":true,"wait_s":60}\n') as dialling:
        assert session.post("/browser/stop")[0] == 200
        with dialling.makefile("rb") as answer:
            assert json.loads(answer.readline())["code"] == "browser_stopped"
    assert session.link.read_until("browser")["payload"] == {"state": "stopped"}
    assert session.post("/browser/start")[0] == 200


def test_flags_are_joined_kept_and_cleared(commanded) -> None:
    session = commanded("--disable-features=A", "--lang=en")
    session.restart(flags=["--lang=de", "--disable-features=B", "--mark=1"])
    assert session.argv()[:2] == ["--disable-features=A,B", "--lang=de"]
    assert session.argv()[-2:] == ["--mark=1", START_URL]
    session.restart()
    assert session.devtools("/json/version")["mark"] == "1"
    session.restart(flags=[])
    assert session.argv()[:2] == ["--disable-features=A", "--lang=en"]
    assert session.devtools("/json/version")["mark"] == ""


def test_flags_outlive_a_crash(commanded) -> None:
    session = commanded()
    _, answer = session.restart(flags=["--mark=kept"])
    os.kill(answer["browser"]["pid"], signal.SIGKILL)
    session.link.read_until("browser", state="restarting")
    session.link.read_until("browser", state="ready")
    assert session.devtools("/json/version")["mark"] == "kept"


REFUSED = (
    ({"flags": ["--no-sandbox"]}, "flag_protected"),
    ({"flags": ["lang=de"]}, "invalid_flag"),
    ({"flags": "--lang=de"}, "invalid_request"),
    ({"extensions": ["/workspace/ext"]}, "engine_unsupported"),
    ({"policies": {"HomepageLocation": "x"}}, "engine_unsupported"),
    ({"profile": "/workspace/missing"}, "not_found"),
    ({"profile": "/profile"}, "invalid_request"),
    ({"profile": "/workspace"}, "invalid_request"),
    ({"profile": "/etc"}, "not_in_session"),
    ({"start_url": "file:///etc/passwd"}, "invalid_request"),
    ({"restore_tabs": "yes"}, "invalid_request"),
)


def test_what_cannot_be_done_is_refused_and_nothing_is_stopped(commanded) -> None:
    session = commanded()
    for fields, code in REFUSED:
        status, answer = session.restart(**fields)
        assert (answer["code"], status) == (code, 404 if code == "not_found" else 400)
    assert session.part("browser")["pid"] == session.ready["pid"]
    assert session.states() == [("exited", "stopped")]


def test_a_browser_that_does_not_come_up_is_rolled_back(commanded) -> None:
    session = commanded()
    session.restart(flags=["--mark=before"])
    session.open("https://second.example/")
    before = session.profile / "note"
    before.write_text("mine")
    status, answer = session.restart(flags=["--break"], fresh_profile=True)
    assert status == 409
    assert answer["code"] == "restart_failed"
    assert (answer["phase"], answer["rolled_back"]) == ("start", True)
    assert "stub: cannot go on" in answer["detail"]
    assert session.devtools("/json/version")["mark"] == "before"
    assert session.tabs() == ["https://second.example/", START_URL]
    assert before.read_text() == "mine"
    assert session.part("browser")["reason"] == "rolled_back"
    session.restart()
    assert session.devtools("/json/version")["mark"] == "before"


def test_a_new_browser_that_is_killed_while_it_starts_is_rolled_back(commanded) -> None:
    session = commanded()
    (session.profile / "note").write_text("mine")
    with session.posting("/browser/restart", flags=["--user-agent=hang"], fresh_profile=True) as restarted:
        os.kill(session.link.read_until("browser", state="starting")["payload"]["pid"], signal.SIGKILL)
        status, answer = restarted()
    assert (status, answer["phase"], answer["rolled_back"]) == (409, "start", True)
    assert session.tabs() == [START_URL]
    assert (session.profile / "note").read_text() == "mine"


def test_a_profile_that_vanishes_while_its_browser_runs_does_not_stand_in_the_way(commanded) -> None:
    session = commanded()
    session.profile.rename(session.profile.with_name("gone"))
    assert session.post("/browser/stop")[0] == 200
    assert session.restart(flags=["--break"], fresh_profile=True)[1]["rolled_back"] is True
    assert session.restart(fresh_profile=True)[0] == 200
    assert session.tabs() == [START_URL]


def test_what_fails_while_it_is_put_in_place_is_rolled_back(commanded) -> None:
    session = commanded("--headless=new")
    session.policy.parent.write_text("no directory")
    (session.workspace / "other").mkdir()
    status, answer = session.restart(policies={"HomepageLocation": "x"}, profile="other")
    assert (status, answer["phase"], answer["rolled_back"]) == (409, "apply", True)
    assert (session.workspace / "other").is_dir()
    assert session.devtools("/json/version")["Browser"] == "Stub/1.0"


def test_a_stopped_browser_that_cannot_be_started_stays_stopped(commanded) -> None:
    session = commanded()
    session.post("/browser/stop")
    status, answer = session.restart(flags=["--break"])
    assert (status, answer["phase"], answer["rolled_back"]) == (409, "start", True)
    assert session.part("browser")["state"] == "stopped"
    assert dial(session.agent, wait_s=60)[0]["code"] == "browser_stopped"
    assert session.post("/browser/start")[0] == 200


def test_a_profile_of_the_workspace_takes_the_place_of_the_old_one(commanded) -> None:
    session = commanded()
    other = session.workspace / "carried"
    other.mkdir()
    (other / "note").write_text("theirs")
    (other / "cloche-tabs.json").write_text(json.dumps(["https://a.example/", "https://b.example/", "file:///etc"]))
    (session.profile / "note").write_text("mine")
    status, answer = session.restart(profile="/workspace/carried")
    assert (status, answer["restored_tabs"]) == (200, 2)
    assert (session.profile / "note").read_text() == "theirs"
    assert not other.exists()
    assert session.tabs() == ["https://b.example/", "https://a.example/"]
    assert session.restart(fresh_profile=True)[1]["restored_tabs"] == 0
    assert not (session.profile / "note").exists()
    assert session.tabs() == [START_URL]
    session.states()
    assert session.agent.exit_code() == 0
    assert [path.name for path in session.profile.parent.glob("profile*")] == ["profile"]


def test_tabs_are_open_again_in_their_order_before_the_restart_is_answered(commanded) -> None:
    session = commanded()
    urls = ["https://a.example/?q=1&r=%20#f", "data:text/html,<p>ü 100%</p>", "about:blank"]
    for url in urls:
        session.open(url)
    session.open("chrome://settings/")
    before = session.tabs()[1:]
    status, answer = session.restart()
    assert (status, answer["restored_tabs"]) == (200, 4)
    assert session.tabs() == before == [*urls[::-1], START_URL]


def test_tabs_lie_in_the_profile_while_the_browser_is_stopped_and_are_open_after_the_start(commanded) -> None:
    session = commanded()
    session.open("https://a.example/")
    session.post("/browser/stop")
    left = session.profile / "cloche-tabs.json"
    assert json.loads(left.read_text()) == [START_URL, "https://a.example/"]
    assert session.post("/browser/start")[1]["restored_tabs"] == 2
    assert session.tabs() == ["https://a.example/", START_URL]
    assert not left.exists()


@pytest.mark.parametrize(
    ("fields", "tabs"),
    [
        ({"start_url": "new.example"}, ["https://new.example"]),
        ({"start_url": "new.example", "restore_tabs": True}, ["https://new.example", "https://a.example/", START_URL]),
        ({"start_url": "data:text/html,hi there"}, ["data:text/html,hi there"]),
        ({"restore_tabs": False}, [START_URL]),
    ],
)
def test_a_page_that_is_asked_for_is_in_front(commanded, fields, tabs: list[str]) -> None:
    session = commanded()
    session.open("https://a.example/")
    assert session.restart(**fields)[0] == 200
    assert session.tabs() == tabs


def test_policies_and_extensions_are_given_to_full_chromium(commanded) -> None:
    session = commanded("--headless=new")
    extension = session.workspace / "ext"
    extension.mkdir()
    (extension / "manifest.json").write_text('{"manifest_version": 3, "name": "n", "version": "1"}')
    assert session.restart(extensions=["/workspace/ext"], policies={"HomepageLocation": "x"})[0] == 200
    assert f"--load-extension={extension}" in session.argv()
    assert json.loads(session.policy.read_text()) == {"HomepageLocation": "x"}
    assert session.restart(policies={"ProxyMode": "direct"})[1]["code"] == "policy_protected"
    assert session.restart(flags=["--break"], policies={"HomepageLocation": "y"})[0] == 409
    assert json.loads(session.policy.read_text()) == {"HomepageLocation": "x"}
    assert session.restart(extensions=[], policies={})[0] == 200
    assert not [word for word in session.argv() if word.startswith("--load-extension")]
    assert list(session.policy.parent.iterdir()) == []


def test_the_agents_end_comes_before_a_restart_under_way(commanded) -> None:
    session = commanded("--user-agent=deaf", browser={"stop_grace_s": 2.0})
    with session.posting("/browser/restart"):
        session.link.send("shutdown")
        reports = [message["payload"] for message in session.link.rest() if message["type"] == "browser"]
    assert [report["state"] for report in reports] == ["exited"]
    assert session.agent.exit_code() == 0


def test_an_agent_ends_while_its_browser_is_stopped(commanded) -> None:
    session = commanded()
    session.post("/browser/stop")
    session.agent.signal(signal.SIGTERM)
    assert session.agent.exit_code() == 0


def test_every_process_is_told_with_its_part(commanded) -> None:
    session = commanded()
    told = session.agent.get_json("/processes")
    assert [part["name"] for part in told["parts"]] == ["agent", "browser"]
    agent, browser = told["parts"]
    assert (agent["state"], agent["pid"]) == ("running", session.agent.process.pid)
    assert (browser["state"], browser["reason"], browser["restarts"]) == ("ready", "session_start", 0)
    assert agent["started_at"] <= browser["changed_at"]
    rows = {row["pid"]: row["part"] for row in told["processes"]}
    assert rows == {agent["pid"]: "agent", browser["pid"]: "browser"}


@pytest.mark.long
def test_a_hundred_restarts_leave_no_descriptor_task_or_process(commanded) -> None:
    session = commanded()

    def standing() -> tuple[int, int, int]:
        pid = session.agent.process.pid
        tasks = session.agent.get_json("/metrics")["goroutines"]
        return len(os.listdir(f"/proc/{pid}/fd")), tasks, len(session.agent.descendants())

    session.restart()
    before = until(standing, lambda now: now == standing())
    for number in range(100):
        status, _ = session.restart(fresh_profile=number % 10 == 0)
        assert status == 200
    until(standing, lambda now: now == before)  # the connection that asked before may be closing yet
    assert [path.name for path in session.profile.parent.glob("profile*")] == ["profile"]
