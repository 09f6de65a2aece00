"""The logs are DevTools' own: whole, in order, and without secrets."""

import pytest

from .conftest import MakeHands
from .hands import Hands

# --- network ---------------------------------------------------------------------------------------------------------


async def ready(hands: Hands, **fields: object) -> list[dict[str, object]]:
    """The entries of `network.html`, once it has asked for everything."""
    await hands.goto("network.html", timeout_ms=15_000)
    await hands.wait("document.title === 'ready'")
    await hands.js("new Promise((done) => setTimeout(done, 50))")
    return list((await hands.do("NetworkLog", limit=1000, max_payload_bytes=1 << 20, **fields))["entries"])


def the_one(entries: list[dict[str, object]], part: str) -> dict[str, object]:
    found = [entry for entry in entries if part in str(entry["request_url"])]
    assert len(found) == 1, [entry["request_url"] for entry in found]
    return found[0]


async def test_every_request_is_told_with_what_came_of_it(make_hands: MakeHands) -> None:
    hands = await make_hands(egress={"deny_hosts": ["two.test"]})
    entries = await ready(hands)
    page = the_one(entries, "/pages/network.html")
    assert (page["method"], page["resource_type"], page["status_code"]) == ("GET", "document", 200)
    assert page["mime_type"] == "text/html"
    assert page["response_bytes"] > 200  # type: ignore[operator]
    assert page["timing_bucket"] in ("lt_100ms", "100_500ms", "500ms_2s")
    assert the_one(entries, "style.css")["resource_type"] == "stylesheet"
    assert the_one(entries, "picture=1")["status_code"] == 404
    assert the_one(entries, "kind=fetch")["resource_type"] == "fetch"
    xhr = the_one(entries, "kind=xhr")
    assert (xhr["method"], xhr["resource_type"]) == ("POST", "xhr")
    assert xhr["initiator_type"] == "script"
    assert "network.html" in str(xhr["initiator_url"])
    assert the_one(entries, "/ws")["resource_type"] == "websocket"
    assert the_one(entries, "kind=beacon")["resource_type"] in ("ping", "fetch", "other")
    hops = [entry for entry in entries if "/redirects/" in str(entry["request_url"])]
    assert [entry["status_code"] for entry in hops] == [302, 302]
    assert "/redirects/2" in str(hops[1]["redirected_from"])


async def test_a_blocked_request_says_what_blocked_it(make_hands: MakeHands) -> None:
    hands = await make_hands(egress={"deny_hosts": ["two.test"]})
    entries = await ready(hands)
    for host, part in [("private.test", ""), ("two.test", "two.test")]:
        blocked = the_one(entries, f"{host}/never")
        assert (blocked["blocked"], blocked["failed"], blocked["status_code"]) == (True, True, 0)
        assert blocked["blocked_reason"]
        assert part in str(blocked["blocked_rule"])
    closed = the_one(entries, "closed.test:8443/never")
    assert (closed["blocked"], closed["failed"]) == (False, True)
    assert str(closed["error_text"]).startswith("net::ERR_")
    failed = (await hands.do("NetworkLog", failed_only=True))["entries"]
    assert {"private.test", "two.test", "closed.test:8443"} <= {entry["request_url"].split("/")[2] for entry in failed}


@pytest.mark.promise("logs-tell-no-secrets")
async def test_secrets_are_left_out_and_what_only_looks_like_one_is_not(make_hands: MakeHands) -> None:
    hands = await make_hands()
    entries = await ready(hands, include_headers=True)
    assert "s3cret" not in repr(entries)
    asked = the_one(entries, "author=Ada")
    assert "q=plain" in str(asked["request_url"])
    assert "token=" in str(asked["request_url"])
    headers = {header["name"].lower(): header["value"] for header in asked["request_headers"]}  # type: ignore[attr-defined]
    assert headers["x-author"] == "Ada"
    assert "authorization" in headers, "that there was one is told, what it was is not"


async def test_bodies_are_told_when_asked_within_their_bytes(make_hands: MakeHands) -> None:
    hands = await make_hands()
    await hands.goto("empty.html")
    await hands.js("Promise.all([fetch('/echo?q=1').then((a) => a.text()), fetch('/bytes/10').then((a) => a.text())])")
    assert all(entry["body"] == "" for entry in (await hands.do("NetworkLog"))["entries"])
    entries = (await hands.do("NetworkLog", include_bodies=True, max_body_bytes=40))["entries"]
    echoed = next(entry for entry in entries if "q=1" in entry["request_url"])
    assert echoed["body"].replace(" ", "").startswith('{"method":"GET"')
    assert echoed["body_truncated"]
    raw = next(entry for entry in entries if "/bytes/10" in entry["request_url"])
    assert raw["body_base64"] or raw["body"] == "\0" * 10


async def test_a_log_goes_on_where_it_was_left(make_hands: MakeHands) -> None:
    hands = await make_hands()
    await hands.goto("empty.html")
    first = await hands.do("NetworkLog")
    assert (await hands.do("NetworkLog", after=first["next_after"]))["entries"] == []
    await hands.goto("empty.html?again")
    entries = (await hands.do("NetworkLog", after=first["next_after"]))["entries"]
    assert "again" in entries[0]["request_url"]
    assert all("again" in entry["request_url"] or "favicon" in entry["request_url"] for entry in entries)
    (only,) = (await hands.do("NetworkLog", url_contains="again"))["entries"]
    assert only["status_code"] == 200
    assert len((await hands.do("NetworkLog", limit=1))["entries"]) == 1


async def test_each_tab_has_a_log_of_its_own(make_hands: MakeHands) -> None:
    hands = await make_hands()
    await hands.goto("empty.html?first")
    await hands.do("OpenTab", url=hands.url("empty.html?second"))
    own = [entry["request_url"] for entry in (await hands.do("NetworkLog"))["entries"]]
    assert any("second" in url for url in own)
    assert not any("first" in url for url in own)
    every = [entry["request_url"] for entry in (await hands.do("NetworkLog", all_tabs=True))["entries"]]
    assert any("first" in url for url in every)


# --- console ---------------------------------------------------------------------------------------------------------


async def test_the_console_is_told_with_severity_source_and_stack(make_hands: MakeHands) -> None:
    hands = await make_hands()
    await hands.goto("console.html")
    await hands.js("new Promise((done) => setTimeout(done, 100))")
    answer = await hands.do("ConsoleLog", minimum_severity="debug", include_page_diagnostics=True)
    by = {entry["message"]: entry for entry in answer["entries"]}
    texts = "\n".join(by)
    for text, severity in [
        ("a debug line", "debug"),
        ("a log line", "info"),
        ("a warning", "warning"),
        ("an error", "error"),
    ]:
        found = [entry for message, entry in by.items() if message.startswith(text)]
        assert [entry["severity"] for entry in found] == [severity], texts
    assert any("42" in message and "value" in message for message in by), texts
    (thrown,) = [entry for message, entry in by.items() if "uncaught in inner" in message]
    assert (thrown["severity"], thrown["kind"]) == ("error", "exception")
    assert [name for name in ("inner", "middle", "outer") if name not in thrown["stack"]] == []
    assert "console.html" in thrown["source"]
    assert thrown["line"] > 0
    for text in ("a thrown string", "nobody caught this", "an assertion"):
        assert text in texts
    assert "404" in texts, "the browser's own message of a failed request"
    diagnostics = answer["page_diagnostics"]
    assert diagnostics["error_count"] >= 4
    assert diagnostics["warning_count"] >= 1
    assert "s3cret" not in repr(answer)
    assert "author=Ada" in texts


async def test_repeated_lines_are_counted(make_hands: MakeHands) -> None:
    hands = await make_hands()
    await hands.goto("console.html")
    same = [entry for entry in (await hands.do("ConsoleLog"))["entries"] if entry["message"] == "the same line"]
    assert sum(entry["count"] for entry in same) == 5


async def test_only_what_is_severe_enough_is_told(make_hands: MakeHands) -> None:
    hands = await make_hands()
    await hands.goto("console.html")
    severities = {entry["severity"] for entry in (await hands.do("ConsoleLog", minimum_severity="warning"))["entries"]}
    assert severities == {"warning", "error"}


async def test_what_was_said_before_a_navigation_is_kept(make_hands: MakeHands) -> None:
    hands = await make_hands()
    await hands.goto("console.html")
    await hands.goto("empty.html")
    entries = (await hands.do("ConsoleLog"))["entries"]
    assert any(entry["message"] == "a warning" and "console.html" in entry["page_url"] for entry in entries)


async def test_a_page_cannot_flood_the_console_log(make_hands: MakeHands) -> None:
    hands = await make_hands()
    await hands.goto("empty.html")
    await hands.js("for (let i = 0; i < 5000; i++) console.log('line ' + i)")
    answer = await hands.do("ConsoleLog", limit=10_000, max_payload_bytes=10_000)
    assert answer["dropped"] > 0 or answer["truncated"]
    assert "4999" in answer["entries"][-1]["message"]
    assert sum(len(entry["message"]) for entry in answer["entries"]) <= 10_000


# --- actions ---------------------------------------------------------------------------------------------------------


async def test_the_action_log_tells_what_was_done_and_how_it_went(make_hands: MakeHands) -> None:
    hands = await make_hands()
    await hands.goto("forms.html?token=s3cret")
    await hands.do("Type", selector="#name", text="typed-s3cret")
    await hands.fail("Click", selector="#none", timeout_ms=50)
    await hands.do("GetTitle")
    entries = (await hands.do("ActionLog"))["entries"]
    assert [(entry["action_name"].lower(), entry["outcome"]) for entry in entries] == [
        ("navigate", "ok"), ("type", "ok"), ("click", "selector_not_found"),
    ]  # fmt: skip
    assert [entry["selector"] for entry in entries] == ["", "#name", "#none"]
    assert all(entry["started_at_unix_ms"] <= entry["completed_at_unix_ms"] for entry in entries)
    assert len({entry["action_id"] for entry in entries}) == 3
    assert all(entry["principal"] for entry in entries)
    assert "s3cret" not in repr(entries)
    (failed,) = (await hands.do("ActionLog", failed_only=True))["entries"]
    assert failed["action_name"] == entries[2]["action_name"]
