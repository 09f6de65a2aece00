"""Answers from the logs: bodies."""

import base64

import pytest

from cloche.browser.contract.logs import ConsoleLogRequest, NetworkLogEntry
from cloche.browser.logs import console
from cloche.browser.logs.answers import MIN_READ_CHARS, Body, console_log, cut_body
from cloche.browser.tab import Tab
from cloche.testing.bare_chromium import CallOf, soon

ENTRY = NetworkLogEntry(mime_type="application/json")


@pytest.mark.parametrize("length", [100, 10 * MIN_READ_CHARS])
def test_a_body_is_cut_and_loses_its_secrets_whatever_its_size(length: int) -> None:
    text = '{"a": 1, "password": "hunter2", "rest": "' + "x" * length + '"}'
    entry = cut_body(ENTRY, Body(text), 60)
    assert entry.body.startswith('{"a": 1, "password": "<redacted>"')
    assert len(entry.body) == 60
    assert entry.body_truncated


def test_a_body_that_fits_is_whole() -> None:
    assert cut_body(ENTRY, Body('{"a": 1}'), 60).body == '{"a": 1}'
    assert not cut_body(ENTRY, Body('{"a": 1}'), 60).body_truncated


@pytest.mark.parametrize("data", ["***", "A", "QUI"])
def test_bytes_that_are_no_base64_harm_nobody(data: str) -> None:
    base64.b64decode(cut_body(ENTRY, Body(data, base64Encoded=True), 60).body, validate=True)


async def test_messages_lose_their_secrets_when_they_are_answered_and_cost_little_before(
    tab: Tab, call_of: CallOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    redact_text = console.redact_text
    monkeypatch.setattr(console, "redact_text", lambda text: read.append(text) or redact_text(text))
    flood = "for (let i = 0; i < 500; i++) console.log(`token=secret${i} ` + 'x'.repeat(5000))"
    await tab.session.call("Runtime.evaluate", {"expression": flood}, deadline=soon())
    assert not read
    entries = (await console_log(call_of(tab), ConsoleLogRequest(limit=3))).entries
    assert len(entries) == 3
    assert all(entry.message.startswith("token=<redacted> x") for entry in entries)
    assert max(map(len, read)) <= 2 * console.MAX_MESSAGE_CHARS
    assert len(read) == 6
