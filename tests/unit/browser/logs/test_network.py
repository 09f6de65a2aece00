"""Network and console logs of real pages."""

import json
from collections.abc import Callable

import pytest

from cloche.browser.call import Blocked
from cloche.browser.contract.logs import ConsoleLogRequest, NetworkLogEntry, NetworkLogRequest
from cloche.browser.logs.answers import console_log, network_log
from cloche.browser.tab import Tab
from cloche.testing.bare_chromium import BareChromium, CallOf, soon
from cloche.testing.web.server import LocalWeb


async def run(tab: Tab, script: str) -> None:
    params = {"expression": f"(async () => {{{script}}})()", "awaitPromise": True}
    answer = await tab.session.call("Runtime.evaluate", params, deadline=soon())
    assert "exceptionDetails" not in answer, answer


async def go(tab: Tab, url: str) -> None:
    tab.main.reached.clear()
    await tab.session.call("Page.navigate", {"url": url}, deadline=soon())
    assert await tab.until(lambda: "load" in tab.main.reached, soon())


def by_path(entries: list[NetworkLogEntry]) -> Callable[[str], NetworkLogEntry]:
    def find(path: str) -> NetworkLogEntry:
        return next(entry for entry in reversed(entries) if path in entry.request_url)

    return find


async def test_requests_are_told_with_their_answers_and_without_secrets(
    tab: Tab, call_of: CallOf, local_web: LocalWeb
) -> None:
    await go(tab, local_web.url("site.test", "/link"))
    await run(
        tab,
        """
        const headers = {'X-Api-Key': 's3cret', 'X-Author': 'jane'};
        await fetch('/echo?token=s3cret&author=jane', {method: 'POST', headers}).catch(() => 0);
        await fetch('/no-such-page').catch(() => 0);
        await fetch('http://127.0.0.1:1/closed').catch(() => 0);
        """,
    )
    answer = await network_log(call_of(tab), NetworkLogRequest(include_headers=True))
    find = by_path(answer.entries)
    page = find("/link")
    assert (page.method, page.resource_type, page.status_code) == ("GET", "document", 200)
    assert page.response_bytes > 0
    assert page.latency_ms >= 0
    assert page.timing_bucket
    assert page.timing.total_ms >= 0
    echo = find("/echo")
    assert (echo.method, echo.resource_type, echo.initiator_type) == ("POST", "fetch", "script")
    assert "author=jane" in echo.request_url
    assert "s3cret" not in json.dumps([str(entry) for entry in answer.entries])
    assert {header.name.lower(): header.value for header in echo.request_headers}["x-author"] == "jane"
    assert find("/no-such-page").status_code == 404
    failed = find("/closed")
    assert (failed.failed, failed.status_code) == (True, 0)
    assert failed.error_text.startswith("net::ERR_")
    assert not failed.blocked


async def test_each_hop_of_a_redirect_is_an_entry(tab: Tab, call_of: CallOf, local_web: LocalWeb) -> None:
    target = local_web.url("site.test", "/link")
    await go(tab, local_web.url("site.test", f"/redirect/302?to={target}"))
    entries = [
        e for e in (await network_log(call_of(tab), NetworkLogRequest())).entries if e.resource_type == "document"
    ]
    assert 300 <= entries[-2].status_code < 400
    assert (entries[-1].status_code, entries[-1].redirected_from) == (200, entries[-2].request_url)


async def test_what_a_policy_refused_says_which(chromium: BareChromium) -> None:
    from cloche.browser.logs.network import Exchange, NetworkLog

    def why(host: str, port: int) -> Blocked | None:
        return Blocked("private_address", "loopback") if (host, port) == ("lan.test", 80) else None

    async with chromium.browser(why_blocked=why) as browser:
        exchange = Exchange(
            tab_id="t", session=browser.active_tab().session, request_id="1", url="http://lan.test/", host="lan.test",
            port=80, method="GET", type="fetch", frame_id="", began=0.0, captured_at=0,
            error="net::ERR_SOCKS_CONNECTION_FAILED",
        )  # fmt: skip
        NetworkLog._find_refusal(exchange, why)
    entry = exchange.entry(with_headers=False)
    assert (entry.blocked, entry.blocked_reason, entry.blocked_rule) == (True, "private_address", "loopback")


async def test_bodies_come_on_request_cut_and_redacted(tab: Tab, call_of: CallOf, local_web: LocalWeb) -> None:
    await go(tab, local_web.url("site.test", "/link"))
    entries = (await network_log(call_of(tab), NetworkLogRequest(include_bodies=True, max_body_bytes=10))).entries
    page = by_path(entries)("/link")
    assert 0 < len(page.body) <= 10
    assert page.body_truncated
    assert all(not entry.body for entry in (await network_log(call_of(tab), NetworkLogRequest())).entries)


async def test_a_reader_goes_on_where_it_was(tab: Tab, call_of: CallOf, local_web: LocalWeb) -> None:
    await go(tab, local_web.url("site.test", "/link"))
    first = await network_log(call_of(tab), NetworkLogRequest())
    nothing = await network_log(call_of(tab), NetworkLogRequest(after=first.next_after))
    assert (nothing.entries, nothing.next_after) == ([], first.next_after)
    await run(tab, "await fetch('/link?again')")
    then = await network_log(call_of(tab), NetworkLogRequest(after=first.next_after))
    assert [entry.request_url.partition("/link")[2] for entry in then.entries] == ["?again"]


async def test_the_newest_are_answered_when_not_all_fit(tab: Tab, call_of: CallOf, local_web: LocalWeb) -> None:
    await go(tab, local_web.url("site.test", "/link"))
    await run(tab, "for (let i = 0; i < 5; i++) await fetch('/link?' + i)")
    answer = await network_log(call_of(tab), NetworkLogRequest(limit=2))
    assert answer.truncated
    assert [entry.request_url[-1] for entry in answer.entries] == ["3", "4"]
    small = await network_log(call_of(tab), NetworkLogRequest(max_payload_bytes=1500))
    assert small.truncated
    assert small.entries[-1].request_url.endswith("?4")


async def test_the_console_is_told_with_severity_source_and_stack(
    tab: Tab, call_of: CallOf, local_web: LocalWeb
) -> None:
    await go(tab, local_web.url("site.test", "/link"))
    await run(
        tab,
        """
        console.debug('quiet'); console.log('author', {a: 1, b: 'x'}); console.warn('careful');
        (function inner() { console.error('password=hunter2 for', new Error('bad')) })();
        for (let i = 0; i < 3; i++) console.info('again');
        setTimeout(() => { throw new TypeError('thrown') });
        Promise.reject(new RangeError('rejected'));
        await new Promise((done) => setTimeout(done, 20));
        """,
    )
    everything = (await console_log(call_of(tab), ConsoleLogRequest(minimum_severity="debug"))).entries
    assert [entry.severity for entry in everything] == ["debug", "info", "warning", "error", "info", "error", "error"]
    by_kind = {entry.kind: entry for entry in everything}
    assert by_kind["console.log"].message == 'author {a: 1, b: "x"}'
    wrong = by_kind["console.error"]
    assert "hunter2" not in wrong.message
    assert "bad" in wrong.message
    assert wrong.stack.startswith("at inner (")
    assert by_kind["console.info"].count == 3
    thrown = [entry.message for entry in everything if entry.kind == "exception"]
    assert any("TypeError: thrown" in message for message in thrown)
    assert any("RangeError: rejected" in message for message in thrown)
    request = ConsoleLogRequest(minimum_severity="error", include_page_diagnostics=True)
    errors = await console_log(call_of(tab), request)
    assert {entry.severity for entry in errors.entries} == {"error"}
    assert errors.page_diagnostics is not None
    assert (errors.page_diagnostics.error_count, errors.page_diagnostics.warning_count) == (3, 1)


@pytest.mark.parametrize("script", ["Element.prototype.x = 1; console.log = () => 0; window.fetch = null;"])
async def test_a_page_that_overrides_the_console_cannot_forge_the_log(tab: Tab, call_of: CallOf, script: str) -> None:
    await run(tab, f"const log = console.log; {script} console.log('silenced'); log('real');")
    entries = (await console_log(call_of(tab), ConsoleLogRequest())).entries
    assert [entry.message for entry in entries] == ["real"]
