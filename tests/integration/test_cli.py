"""The command line as a person runs it, against the served API."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cloche.concurrency.tasks import spawn
from cloche.errors import NoRoomError
from cloche.ids import SessionId, new_session_id
from cloche.sessions.model import EndReason, EventType
from cloche.testing.api import RunningApi, running_api
from cloche.testing.command_line import cloche


@pytest.fixture
async def api() -> AsyncIterator[RunningApi]:
    async with running_api() as running:
        yield running


def as_user(api: RunningApi) -> dict[str, str]:
    return {"CLOCHE_URL": api.url, "CLOCHE_KEY": api.user_key}


async def test_a_session_is_made_listed_shown_and_closed(api: RunningApi) -> None:
    user = as_user(api)
    options = ("--label", "team=blue", "--viewport", "900x700", "--private-host", "127.0.0.1:8000")
    made = await cloche("session", "create", "https://example.com", *options, **user)
    assert made.code == 0, made.err
    (request,) = api.manager.requests
    assert request.start_url == "https://example.com" and request.egress.private_hosts == ("127.0.0.1:8000",)
    assert (request.viewport.width, request.viewport.height, request.labels) == (900, 700, {"team": "blue"})
    facts = dict(line.split(maxsplit=1) for line in made.out.splitlines())
    assert facts["connect_url"].startswith("ws://127.0.0.1:")
    listed = await cloche("session", "list", **user)
    assert facts["id"] in listed.out and "team=blue" in listed.out
    (one,) = (await cloche("session", "list", "--json", "--label", "team=blue", **user)).json
    assert one["id"] == facts["id"]
    assert (await cloche("session", "show", facts["id"], "--json", **user)).json["status"] == "ready"
    closed = await cloche("session", "close", facts["id"], **user)
    assert closed.out == f"{facts['id']} closed\n"


async def test_who_waits_for_a_place_is_told_where_they_stand_until_it_is_ready(api: RunningApi) -> None:
    running = spawn(cloche("session", "create", "--queue-timeout", "30", **as_user(api)), name="create")
    session_id = await api.manager.made()
    await api.manager.publish(session_id, EventType.QUEUED, position=3, waiting=7)
    await api.manager.publish(session_id, EventType.QUEUED, position=1, waiting=7)
    await api.manager.come_up(session_id)
    made = await running
    assert made.code == 0, made.err
    assert made.err == "waiting for a place: 3 of 7\nwaiting for a place: 1 of 7\n"
    assert session_id in made.out and "ready" in made.out
    assert api.manager.requests[-1].queue_timeout_s == 30


@pytest.mark.parametrize(
    ("detail", "told"),
    [
        ("queue_timeout", "cloche: no place came free for the session [busy]; try again in 5 s\n"),
        ("browser_missing", "cloche: the session did not start [start_failed]\n"),
    ],
)
async def test_who_waits_for_nothing_is_told_why(api: RunningApi, detail: str, told: str) -> None:
    running = spawn(cloche("session", "create", "--queue-timeout", "30", **as_user(api)), name="create")
    session_id = await api.manager.made()
    await api.manager.publish(session_id, EventType.FAILED, reason="start_failed", detail=detail)
    failed = await running
    assert (failed.code, failed.err) == (1, told)


async def test_a_server_without_room_says_when_to_ask_again(api: RunningApi) -> None:
    api.manager.create_error = NoRoomError("the server is short of memory", retry_after_s=17, reason="memory")
    refused = await cloche("session", "create", **as_user(api))
    assert (refused.code, refused.err) == (1, "cloche: the server is short of memory [busy]; try again in 17 s\n")


async def test_events_are_printed_until_the_session_has_ended(api: RunningApi) -> None:
    session_id = SessionId((await api.session())["id"])
    await api.manager.end(session_id, EndReason.IDLE_TIMEOUT)
    text = await cloche("session", "events", session_id, **as_user(api))
    lines = await cloche("session", "events", session_id, "--json", "--after", "1", **as_user(api))
    assert [line.split()[3] for line in text.out.splitlines()] == ["session.created", "session.ready", "session.closed"]
    assert [json.loads(line)["type"] for line in lines.out.splitlines()] == ["session.ready", "session.closed"]


async def test_keys_are_made_listed_and_revoked_through_the_api(api: RunningApi) -> None:
    admin = {"CLOCHE_URL": api.url, "CLOCHE_KEY": api.admin_key}
    made = (await cloche("key", "create", "carol", "--name", "laptop", "--json", **admin)).json
    assert (await api.keys.verify(made["secret"])) is not None
    listed = await cloche("key", "list", **admin)
    assert made["id"] in listed.out and "carol" in listed.out and made["secret"] not in listed.out
    revoked = await cloche("key", "revoke", made["id"], **admin)
    assert revoked.code == 0 and "revoked" in revoked.out
    assert (await api.keys.verify(made["secret"])) is None


async def test_a_key_is_given_scopes_through_the_api_and_locally(api: RunningApi, tmp_path: Path) -> None:
    for options in (
        {"CLOCHE_URL": api.url, "CLOCHE_KEY": api.admin_key},
        {"CLOCHE_STATE_DIR": str(tmp_path), "local": "--local"},
    ):
        local = [options.pop("local")] if "local" in options else []
        made = await cloche("key", "create", "carol", "--scope", "machine", "--json", *local, **options)
        assert made.json["scopes"] == ["machine"], made
        assert "machine" in (await cloche("key", "list", *local, **options)).out
        refused = await cloche("key", "create", "carol", "--scope", "root", *local, **options)
        assert refused.code != 0 and "scope" in refused.err, refused


async def test_keys_are_managed_locally_without_a_daemon(tmp_path: Path) -> None:
    here = {"CLOCHE_STATE_DIR": str(tmp_path / "state"), "CLOCHE_RUN_DIR": str(tmp_path / "run")}
    made = await cloche("key", "create", "--local", "--json", **here)
    assert made.code == 0, made.err
    assert (made.json["principal"], made.json["role"]) == ("admin", "admin")
    await cloche("key", "create", "bob", "--local", **here)
    listed = (await cloche("key", "list", "--local", "--json", **here)).json
    assert [(key["principal"], key["role"]) for key in listed] == [("bob", "user"), ("admin", "admin")]
    revoked = await cloche("key", "revoke", made.json["id"], "--local", "--json", **here)
    assert revoked.json["revoked_at"] is not None


async def test_what_the_server_refuses_is_one_line_with_its_code(api: RunningApi) -> None:
    user = as_user(api)
    for arguments, code in {
        ("session", "show", new_session_id()): "not_found",
        ("session", "show", "nonsense"): "invalid_request",
        ("key", "list"): "denied",
    }.items():
        outcome = await cloche(*arguments, **user)
        assert outcome.code == 1 and outcome.out == "" and "Traceback" not in outcome.err
        assert outcome.err.startswith("cloche: ") and outcome.err.rstrip().endswith(f"[{code}]")
        assert outcome.err.count("\n") == 1


async def test_a_server_that_is_not_there_fails_with_one_line() -> None:
    outcome = await cloche("session", "list", CLOCHE_URL="http://127.0.0.1:1", CLOCHE_KEY="ck_x")
    assert outcome.code == 1 and "could not reach http://127.0.0.1:1" in outcome.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("session", "show"),
        ("session", "create", "--viewport", "big"),
        ("session", "create", "--label", "team"),
        ("session", "list", "--limit", "0"),
    ],
    ids=" ".join,
)
async def test_wrong_usage_is_exit_code_two(api: RunningApi, arguments: tuple[str, ...]) -> None:
    outcome = await cloche(*arguments, **as_user(api))
    assert outcome.code == 2 and outcome.out == "" and "Traceback" not in outcome.err
    assert not api.manager.requests


async def test_a_bad_setting_is_named_and_is_exit_code_two(tmp_path: Path) -> None:
    outcome = await cloche("key", "list", "--local", CLOCHE_HTTP_BIND="nonsense", CLOCHE_STATE_DIR=str(tmp_path))
    assert outcome.code == 2 and "CLOCHE_HTTP_BIND" in outcome.err


async def test_this_machines_daemon_is_found_with_its_first_key(api: RunningApi, tmp_path: Path) -> None:
    (tmp_path / "daemon.json").write_text(json.dumps({"http": f"127.0.0.1:{api.port}"}))
    (tmp_path / "admin.key").write_text(api.admin_key + "\n")
    assert (await cloche("key", "list", "--json", CLOCHE_STATE_DIR=str(tmp_path))).code == 0


async def test_the_first_key_is_sent_to_no_other_server(api: RunningApi, tmp_path: Path) -> None:
    (tmp_path / "admin.key").write_text(api.admin_key + "\n")
    outcome = await cloche("key", "list", CLOCHE_STATE_DIR=str(tmp_path), CLOCHE_URL=api.url)
    assert outcome.code == 1 and "[unauthenticated]" in outcome.err


async def test_doctor_reports_every_check_and_fails_when_one_does(tmp_path: Path) -> None:
    here = {"CLOCHE_STATE_DIR": str(tmp_path / "state"), "CLOCHE_RUN_DIR": str(tmp_path / "run")}
    outcome = await cloche("doctor", "--json", CLOCHE_CHROMIUM_SHELL="/nowhere/chromium", **here)
    checks = {check["name"]: check for check in outcome.json}
    assert outcome.code == 1 and checks["chromium"]["ok"] is False and checks["chromium"]["mend"]
    text = await cloche("doctor", CLOCHE_CHROMIUM_SHELL="/nowhere/chromium", **here)
    assert text.code == 1 and "BAD   chromium:" in text.out and "to mend:" in text.out


async def test_the_version_is_told() -> None:
    outcome = await cloche("--version")
    assert outcome.code == 0 and outcome.out.strip().count(".") == 2
