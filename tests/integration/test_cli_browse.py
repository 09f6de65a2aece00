"""`cloche browse …` through the real API, with a browser in memory behind it.

The commands run in a thread of this process, one after the other: a process for each would take a second.
"""

import asyncio
import json
import stat
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from typer.testing import CliRunner

from cloche.api.rest.browsing import OPERATIONS
from cloche.api.rest.browsing_examples import EXAMPLES, PNG
from cloche.browser.contract.actions import (
    ClickRequest,
    ClickResponse,
    EvaluateRequest,
    PressRequest,
    SelectRequest,
    TypeRequest,
    WaitForRequest,
)
from cloche.browser.contract.common import BrowserRequest, BrowserResponse
from cloche.browser.contract.logs import ActionLogRequest, ConsoleLogRequest, NetworkLogRequest
from cloche.browser.contract.looking import ExportPdfRequest, ObserveRequest, ObserveResponse, ScreenshotRequest
from cloche.browser.contract.pages import NavigateRequest
from cloche.browser.contract.state import GetCookiesRequest, SetStorageStateRequest
from cloche.browser.contract.tabs import CloseTabRequest, OpenTabRequest, SwitchTabRequest
from cloche.cli.main import app
from cloche.errors import ClocheError
from cloche.testing.api import RunningApi, running_api
from cloche.testing.command_line import Outcome, cloche

Typist = Callable[..., Awaitable[Outcome]]


@pytest.fixture
async def api() -> AsyncIterator[RunningApi]:
    with capture_logs():  # the server's own lines would stand among what a command prints
        async with running_api() as running:
            answer_as_in_the_examples(running)
            yield running


def answer_as_in_the_examples(api: RunningApi) -> None:
    for operation in OPERATIONS:
        response = EXAMPLES[operation.name].response
        if isinstance(response, BrowserResponse):
            api.manager.session_browser.answers[operation.request] = response


@pytest.fixture
async def typed(api: RunningApi) -> Typist:
    """Run `cloche browse` on a session."""
    session_id = await api.session_id()

    async def type_(*arguments: str, stdin: bytes | None = None) -> Outcome:
        command, *rest = arguments
        user = {"CLOCHE_URL": api.url, "CLOCHE_KEY": api.user_key, "COLUMNS": "200"}
        typed = ["browse", command, session_id, *rest]
        result = await asyncio.to_thread(CliRunner().invoke, app, typed, input=stdin, env=user)
        failed = [f"[{error.code}]"] if isinstance(error := result.exception, ClocheError) else []
        assert failed or error is None or isinstance(error, SystemExit), error
        return Outcome(result.exit_code, result.stdout, "".join([result.stderr, *failed]))

    return type_


async def in_turn(*outcomes: Awaitable[Outcome]) -> list[Outcome]:
    return [await each for each in outcomes]


async def test_each_command_asks_for_what_it_says(api: RunningApi, typed: Typist) -> None:
    commands: list[tuple[BrowserRequest, tuple[str, ...]]] = [
        (
            NavigateRequest(url="https://a.test", wait_until="commit", timeout_ms=9),
            ("navigate", "https://a.test", "--wait-until", "commit", "--timeout", "9"),
        ),
        (
            ClickRequest(selector="#a", click_count=2, button="right"),
            ("click", "#a", "--count", "2", "--button", "right"),
        ),
        (
            TypeRequest(selector="#a", text="hi", clear_existing=True, tab_id="t2"),
            ("type", "#a", "hi", "--clear", "--tab", "t2"),
        ),
        (PressRequest(key="Control+a"), ("press", "Control+a")),
        (WaitForRequest(text="Done", load_state="load"), ("wait", "--text", "Done", "--load-state", "load")),
        (EvaluateRequest(expression="1+1"), ("evaluate", "1+1")),
        (ConsoleLogRequest(minimum_severity="error", limit=3), ("console", "--severity", "error", "--limit", "3")),
        (NetworkLogRequest(failed_only=True, all_tabs=True), ("network", "--failed", "--all-tabs")),
        (ActionLogRequest(limit=2), ("actions", "--limit", "2")),
        (OpenTabRequest(url="https://a.test", activate=False), ("open", "https://a.test", "--background")),
        (SwitchTabRequest(tab_id="t2"), ("switch", "t2")),
        (CloseTabRequest(), ("close",)),
    ]
    outcomes = await in_turn(*(typed(*command) for _, command in commands))
    assert [(each.code, each.err) for each in outcomes] == [(0, "")] * len(commands)
    assert all(each.out for each in outcomes)
    asked = [request for _, request in api.manager.session_browser.asked]
    assert all(wanted in asked for wanted, _ in commands), asked


async def test_lists_and_looks_are_printed(api: RunningApi, typed: Typist) -> None:
    tree, interactive, tabs, network, console, cookies, as_json, picked = await in_turn(
        typed("observe"),
        typed("observe", "--interactive", "--search", "Buy", "--text", "--max-bytes", "500"),
        typed("tabs"),
        typed("network"),
        typed("console"),
        typed("cookies", "--of", "https://a.test/"),
        typed("tabs", "--json"),
        typed("select", "#a", "--value", "x", "--value", "y"),
    )
    assert '- button "Buy" [ref=e7]' in tree.out.splitlines()
    assert interactive.code == 0 and picked.code == 0
    asked = [request for _, request in api.manager.session_browser.asked]
    sizes = {"max_bytes": 500, "max_dom_snapshot_bytes": 500, "max_visible_text_bytes": 500}
    assert ObserveRequest(interactive_only=True, search="Buy", include_visible_text=True, **sizes) in asked
    assert SelectRequest(selector="#a", values=["x", "y"]) in asked
    assert GetCookiesRequest(urls=["https://a.test/"]) in asked
    assert tabs.out.splitlines()[1].split() == ["*", "tab-1", "Your", "cart", "https://shop.example/cart"]
    assert as_json.json["tabs"][0]["tab_id"] == "tab-1"
    assert network.out.splitlines()[1].split()[:3] == ["GET", "200", "document"]
    assert "TypeError: total is undefined" in console.out
    assert "theme" in cookies.out and "dark" not in cookies.out


async def test_what_fails_in_the_page_is_exit_code_1_with_its_code(api: RunningApi) -> None:
    failed = ClickResponse(success=False, error="covered", detail="<div> is\x1b[31m in the way")
    api.manager.session_browser.answers[ClickRequest] = failed
    user = {"CLOCHE_URL": api.url, "CLOCHE_KEY": api.user_key}
    done = await cloche("browse", "click", await api.session_id(), "#a", "--json", **user)
    assert (done.code, done.out, done.err) == (1, "", "cloche: <div> is�[31m in the way [covered]\n")


async def test_a_page_does_not_steer_the_terminal(api: RunningApi, typed: Typist) -> None:
    hostile = ObserveResponse(accessibility_tree='- button "\x1b]0;x\x07"\n- link "\x9b2J"', next_cursor="\x1bc")
    api.manager.session_browser.answers[ObserveRequest] = hostile
    seen = await typed("observe")
    assert len(seen.out.splitlines()) == 2
    assert all(line.isprintable() for line in (seen.out + seen.err).splitlines())


async def test_pictures_and_prints_go_into_files(api: RunningApi, typed: Typist, tmp_path: Path) -> None:
    shot, named, printed, nowhere = await in_turn(
        typed("screenshot", "-o", str(tmp_path / "a.png"), "--full-page"),
        typed("screenshot", "-o", str(tmp_path / "a.jpg"), "--json"),
        typed("pdf", "-o", str(tmp_path / "a.pdf"), "--landscape"),
        typed("pdf", "-o", str(tmp_path / "none" / "a.pdf")),
    )
    assert (shot.code, shot.out) == (0, "image/png, 1280x800\n")
    assert (tmp_path / "a.png").read_bytes() == PNG
    assert named.json["width"] == 1280 and "image_bytes" not in named.json
    assert (tmp_path / "a.pdf").read_bytes().startswith(b"%PDF")
    assert printed.code == 0
    assert nowhere.code == 1 and nowhere.err.endswith("[invalid_request]")
    asked = [request for _, request in api.manager.session_browser.asked]
    assert ScreenshotRequest(full_page=True) in asked and ScreenshotRequest(format="jpeg") in asked
    assert ExportPdfRequest(landscape=True) in asked


async def test_a_storage_state_is_kept_where_nobody_else_reads_it_and_set_again(
    api: RunningApi, typed: Typist, tmp_path: Path
) -> None:
    path, broken = tmp_path / "state.json", tmp_path / "broken.json"
    broken.write_text("[1]")
    written, refused = await in_turn(
        typed("storage-state", "-o", str(path)), typed("storage-state", "--load", str(broken))
    )
    assert (written.code, written.out) == (0, "1 cookies, 1 origins\n")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert refused.code == 1 and refused.err.endswith("[invalid_request]")
    assert not any(isinstance(request, SetStorageStateRequest) for _, request in api.manager.session_browser.asked)
    loaded, printed = await in_turn(typed("storage-state", "--load", str(path), "--clear"), typed("storage-state"))
    assert (loaded.code, loaded.out) == (0, "1 cookies, 1 origins\n")
    assert printed.json == json.loads(path.read_text())
    request = next(each for _, each in api.manager.session_browser.asked if isinstance(each, SetStorageStateRequest))
    assert request.clear_first and request.storage_state.cookies[0].value == "dark"


async def test_text_may_come_on_stdin(api: RunningApi, typed: Typist) -> None:
    typing, run = await in_turn(
        typed("type", "#a", "-", stdin=b"from a pipe"), typed("evaluate", "-", stdin=b"document.title")
    )
    assert (typing.code, run.code, run.out) == (0, 0, "3\n")
    asked = [request for _, request in api.manager.session_browser.asked]
    assert TypeRequest(selector="#a", text="from a pipe") in asked
    assert EvaluateRequest(expression="document.title") in asked
