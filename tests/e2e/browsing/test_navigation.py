"""A navigation is one navigation of the browser: what came of it is told, and what stood in its way."""

import pytest

from .conftest import MakeHands
from .hands import Hands


async def test_a_page_is_opened_and_told_about(hands: Hands) -> None:
    answer = await hands.goto("empty.html")
    assert (answer["status_code"], answer["final_url"]) == (200, hands.url("empty.html"))
    assert (answer["title"], answer["reached"]) == ("empty of site.test", "load")
    assert answer["body_bytes"] > 50
    timing = answer["timing"]
    assert 0 <= timing["response_ms"] <= timing["commit_ms"] <= timing["dom_content_loaded_ms"] <= timing["load_ms"]
    assert answer["redirects"] == []


@pytest.mark.parametrize("status", [404, 500, 403])
async def test_an_error_page_is_a_page(hands: Hands, status: int) -> None:
    answer = await hands.do("Navigate", url=hands.url(f"/status/{status}"))
    assert answer["status_code"] == status


@pytest.mark.promise("a-navigation-is-one-request")
@pytest.mark.parametrize(
    "path", ["/pages/empty.html", "/status/404", "/redirects/3?to=/echo", "/bytes/0", "/no-content"]
)
async def test_every_hop_is_asked_for_once(hands: Hands, path: str) -> None:
    await hands.do("Navigate", url="about:blank")
    hands.web.restore()
    await hands.door.perform(hands.session_id, "Navigate", url=hands.url(path))
    asked = [(one.path, one.query) for one in hands.web.requests() if one.path != "/favicon.ico"]
    assert len(asked) == len(set(asked)) == (4 if "redirects" in path else 1)


async def test_redirects_are_told_hop_by_hop(hands: Hands) -> None:
    answer = await hands.do("Navigate", url=hands.url("/redirects/3?to=http://other.test/pages/empty.html&code=307"))
    assert answer["final_url"] == hands.url("empty.html", host="other.test")
    assert [hop["status_code"] for hop in answer["redirects"]] == [307, 307, 307]
    assert [hop["url"].split("?")[0] for hop in answer["redirects"]] == [
        hands.url(f"/redirects/{left}") for left in (3, 2, 1)
    ]


@pytest.mark.parametrize(("limit", "hops", "works"), [(3, 3, True), (2, 3, False), (1, 2, False)])
async def test_redirects_are_limited(hands: Hands, limit: int, hops: int, works: bool) -> None:
    fields = {"url": hands.url(f"/redirects/{hops}?to=/pages/empty.html"), "max_redirects": limit}
    if works:
        await hands.do("Navigate", **fields)
        return
    hands.web.restore()
    assert await hands.failure("Navigate", **fields) == "too_many_redirects"
    assert not hands.web.requests(path="/pages/empty.html")


async def test_no_redirect_at_all_if_none_is_allowed(hands: Hands) -> None:
    hands.web.restore()
    fields = {"url": hands.url("/redirects/1?to=/pages/empty.html"), "allow_redirects": False}
    assert await hands.failure("Navigate", **fields) == "too_many_redirects"
    assert not hands.web.requests(path="/pages/empty.html")


async def test_a_circle_of_redirects_ends(hands: Hands) -> None:
    assert await hands.failure("Navigate", url=hands.url("/circle")) == "too_many_redirects"


@pytest.mark.parametrize(
    "url",
    ["", " ", "file:///etc/passwd", "javascript:alert(1)", "data:text/html,x", "chrome://version", "chrome-extension://x/y",
     "view-source:http://site.test/", "blob:http://site.test/1", "about:config", "ftp://site.test/", "ws://site.test/",
     "http://", "http:///x", "//site.test/", "site.test", "http://user:secret@site.test/", "http://site.test:99999/",
     "http://[::1", "JavaScript:alert(1)", "\tjavascript:alert(1)", "java\nscript:alert(1)", "http://site.test/\0x"],
)  # fmt: skip
async def test_what_is_no_web_address_is_refused(hands: Hands, url: str) -> None:
    await hands.goto("empty.html")
    answer = await hands.fail("Navigate", url=url)
    assert answer["error"] == "invalid_url"
    assert "secret" not in answer["detail"]
    assert await hands.js("location.href") == hands.url("empty.html")


async def test_a_redirect_out_of_the_web_goes_nowhere(hands: Hands) -> None:
    code = await hands.failure("Navigate", url=hands.url("/redirect/302?to=file:///etc/passwd"))
    assert code in ("invalid_url", "navigation_failed", "policy_blocked")
    assert "root:" not in str(await hands.js("document.documentElement.textContent"))


@pytest.mark.promise("a-blocked-target-says-which-rule")
@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://two.test/", "domain_not_allowed"),
        ("http://private.test/", "policy_blocked"),
        ("http://127.0.0.1:8090/", "policy_blocked"),
        ("http://169.254.169.254/latest/", "policy_blocked"),
        ("http://[::1]/", "policy_blocked"),
    ],
)
async def test_a_target_that_the_policy_blocks_says_which_rule(hands: Hands, url: str, code: str) -> None:
    answer = await hands.fail("Navigate", url=url)
    assert answer["error"] in (code, "policy_blocked")
    assert answer["rule"]
    if "two.test" in url:
        assert "two.test" in answer["rule"]


async def test_a_redirect_to_what_is_blocked_is_blocked(hands: Hands) -> None:
    answer = await hands.fail("Navigate", url=hands.url("/redirect/302?to=http://private.test/"))
    assert answer["error"] == "policy_blocked"
    assert answer["rule"]
    assert not hands.web.forbidden_requests()


@pytest.mark.parametrize("url", ["http://closed.test:8443/", "http://no-such-name.test/"])
async def test_what_cannot_be_reached_says_so(hands: Hands, url: str) -> None:
    answer = await hands.fail("Navigate", url=url)
    assert answer["error"] == "navigation_failed"
    await hands.goto("empty.html")


async def test_a_certificate_of_nobody_is_not_trusted(hands: Hands) -> None:
    assert await hands.failure("Navigate", url=hands.web.url("site.test", "/page", tls=True)) == "navigation_failed"


async def test_an_attachment_is_a_download(hands: Hands) -> None:
    await hands.goto("empty.html")
    answer = await hands.fail("Navigate", url=hands.url("/download/report.pdf?size=100"))
    assert answer["error"] == "became_download"
    assert await hands.js("document.title") == "empty of site.test"


async def test_no_content_leaves_the_page_as_it_is(hands: Hands) -> None:
    await hands.goto("empty.html")
    code = await hands.failure("Navigate", url=hands.url("/no-content"))
    assert code == "navigation_aborted"
    assert await hands.js("document.title") == "empty of site.test"


async def test_an_answer_that_comes_too_late_is_a_timeout(hands: Hands) -> None:
    assert await hands.failure("Navigate", url=hands.url("/late/3000"), timeout_ms=300) == "timeout"
    assert await hands.failure("Navigate", url=hands.url("/hang"), timeout_ms=300) == "timeout"
    assert (await hands.goto("empty.html"))["status_code"] == 200


@pytest.mark.parametrize("state", ["commit", "domcontentloaded", "load", "networkidle"])
async def test_a_navigation_is_waited_for_as_far_as_asked(hands: Hands, state: str) -> None:
    answer = await hands.goto("frames.html", wait_until=state)
    assert answer["reached"] in ("commit", "domcontentloaded", "load", "networkidle")
    if state == "load":
        assert await hands.js("document.readyState") == "complete"


async def test_a_page_that_never_loads_whole_has_been_committed(hands: Hands) -> None:
    url = hands.url("/unfinished")
    assert (await hands.do("Navigate", url=url, wait_until="commit", timeout_ms=3000))["status_code"] == 200
    answer = await hands.fail("Navigate", url=url, wait_until="load", timeout_ms=500)
    assert answer["error"] == "timeout"


async def test_a_response_above_the_budget_is_cut_and_says_so(make_hands: MakeHands) -> None:
    hands = await make_hands(budget={"response_bytes": 100_000})
    assert await hands.failure("Navigate", url=hands.url("/large/5000000")) == "response_too_large"
    await hands.do("Navigate", url=hands.url("/large/50000"))


async def test_a_page_that_sends_on_by_itself_is_followed(hands: Hands) -> None:
    await hands.goto("redirecting.html?to=/pages/empty.html")
    await hands.do("WaitFor", url="empty.html", timeout_ms=3000)
    await hands.goto("refreshing.html")
    await hands.do("WaitFor", url="?refreshed", timeout_ms=3000)


async def test_back_forward_and_reload_are_the_browsers(hands: Hands) -> None:
    await hands.do("OpenTab")
    await hands.goto("empty.html")
    await hands.goto("history.html")
    assert (await hands.do("Back"))["final_url"] == hands.url("empty.html")
    assert (await hands.do("Forward"))["final_url"] == hands.url("history.html")
    assert await hands.failure("Forward") == "no_history_entry"
    hands.web.restore()
    assert (await hands.do("Reload", ignore_cache=True))["status_code"] == 200
    (asked,) = hands.web.requests(path="/pages/history.html")
    assert asked.headers.get("cache-control") == "no-cache"


async def test_steps_within_one_document_are_navigations_without_a_status(hands: Hands) -> None:
    await hands.goto("history.html")
    hands.web.restore()
    answer = await hands.do("Navigate", url=f"{hands.url('history.html')}#part")
    assert (answer["status_code"], answer["final_url"]) == (0, f"{hands.url('history.html')}#part")
    await hands.do("Click", selector="#push")
    assert (await hands.do("Back"))["final_url"] == f"{hands.url('history.html')}#part"
    assert not hands.web.requests(path="/pages/history.html")


async def test_a_referrer_is_sent(hands: Hands) -> None:
    await hands.do("Navigate", url=hands.url("/echo"), referrer=hands.url("empty.html"))
    (asked,) = hands.web.requests(path="/echo")
    assert asked.headers["referer"] == hands.url("empty.html")


async def test_secrets_in_an_address_are_not_told_again(hands: Hands) -> None:
    answer = await hands.goto("empty.html?token=s3cret&author=Ada")
    tabs, log = await hands.tabs(), await hands.do("ActionLog")
    assert "s3cret" not in repr([answer["action_log"], log])
    assert "author=Ada" in repr(log)
    assert tabs
