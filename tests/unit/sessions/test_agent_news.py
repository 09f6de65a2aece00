from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.sessions.agent_news import MAX_LOG_TAIL, read_browser_news
from cloche.wire.messages import BrowserState

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
KEYS = ["state", "product", "revision", "reason", "restarts", "exit_code", "signal", "log_tail"]


def test_a_plain_report_is_read_as_it_is() -> None:
    news = read_browser_news({"state": "exited", "exit_code": 1, "reason": "crashed", "restarts": 2})

    assert news.state is BrowserState.EXITED
    assert (news.exit_code, news.signal, news.reason, news.restarts) == (1, None, "crashed", 2)


@pytest.mark.parametrize("state", [None, "", "Ready", "dancing", 1, True, [], {}, ["ready"]])
def test_an_unknown_state_is_none(state: object) -> None:
    assert read_browser_news({"state": state}).state is None


def test_texts_are_cut_and_lose_what_a_terminal_would_obey() -> None:
    news = read_browser_news(
        {
            "state": "ready",
            "product": "Chrome\x1b[2J\n" + "x" * 500,
            "reason": "over memory!\n<b>" + "y" * 500,
            "log_tail": "\ud800" * 5000,
        }
    )

    assert len(news.product) == 64
    assert news.product.startswith("Chrome [2J x")
    assert news.reason == "overmemoryb" + "y" * 32
    assert news.log_tail == " " * MAX_LOG_TAIL


@pytest.mark.parametrize("value", [True, 1.5, "3", None, [], float("nan")])
def test_a_number_that_is_none_is_left_out(value: object) -> None:
    news = read_browser_news({"state": "exited", "exit_code": value, "restarts": value})

    assert news.exit_code is None
    assert news.restarts == 0


def test_numbers_are_bounded_and_nobody_restarted_less_than_never() -> None:
    news = read_browser_news({"state": "exited", "exit_code": -(10**30), "signal": 10**30, "restarts": -5})

    assert (news.exit_code, news.signal, news.restarts) == (-(2**31), 2**31, 0)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(KEYS, JSON) | {"state": JSON | st.sampled_from(BrowserState)}))
def test_nothing_an_agent_says_gets_out_of_bounds(payload: dict[str, Any]) -> None:
    news = read_browser_news(payload)

    for text, most in ((news.product, 64), (news.reason, 48), (news.log_tail, MAX_LOG_TAIL)):
        assert len(text) <= most
        assert text.isprintable()
    assert 0 <= news.restarts <= 2**31
    for number in (news.exit_code, news.signal):
        assert number is None or -(2**31) <= number <= 2**31
