"""What is written down of a browser, and what of that is taken back."""

import json
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.browser.state.kept_cookies import that_fit as cookies_that_fit
from cloche.browser.state.kept_state import (
    MAX_COOKIES,
    MAX_COOKIES_BYTES,
    MAX_ENTRIES,
    MAX_JSON_BYTES,
    MAX_ORIGINS,
    MAX_STORAGE_BYTES,
    MAX_TABS,
    KeptCookie,
    KeptState,
    KeptStateError,
    KeptStorage,
    KeptTab,
    storage_bytes,
    that_fit,
)
from cloche.profiles.archive import MAX_MANIFEST_BYTES

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
_FIELDS = st.sampled_from(["version", "cookies", "permissions", "tabs", "active", "new"])


@given(st.builds(KeptState))
def test_what_is_written_is_what_is_read(state: KeptState) -> None:
    try:
        assert KeptState.from_json(state.to_json()) == state
    except KeptStateError:
        # The dataclasses do not check; what is read is checked. These are not of the form that `capture` makes.
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(msgspec.to_builtins(state), KeptState)


@given(st.binary(max_size=200))
def test_random_bytes_are_a_state_or_an_error(data: bytes) -> None:
    try:
        assert KeptState.from_json(data) == KeptState()
    except KeptStateError:
        assert data != b"{}"


@given(st.dictionaries(_FIELDS, _JSON))
def test_any_json_is_a_state_within_bounds_or_an_error(value: dict[str, Any]) -> None:
    try:
        state = KeptState.from_json(json.dumps(value).encode())
    except KeptStateError:
        return
    assert KeptState.from_json(state.to_json()) == state
    assert len(state.tabs) <= MAX_TABS
    assert 0 <= state.active < MAX_TABS


def test_fields_that_are_not_known_are_ignored() -> None:
    later = {"tabs": [{"url": "http://a.test/", "pinned": True}], "theme": "dark"}
    assert KeptState.from_json(json.dumps(later).encode()) == KeptState(tabs=(KeptTab(url="http://a.test/"),))


@pytest.mark.parametrize(
    "value",
    [
        {"tabs": [{"url": "http://a.test/"}] * (MAX_TABS + 1)},
        {"tabs": [{"url": "x" * (1 << 17)}]},
        {"tabs": [{"url": "http://a.test/", "scroll_y": -1}]},
        {"tabs": [{"url": "http://a.test/", "storage": [{"origin": "http://a.test"}] * (MAX_ORIGINS + 1)}]},
        {"tabs": [{"url": "u", "storage": [{"origin": "o", "entries": [["", ""]] * (MAX_ENTRIES + 1)}]}]},
        {"tabs": [{"url": "u", "storage": [{"origin": "o", "entries": [["k", "v" * (MAX_STORAGE_BYTES)]]}]}]},
        {"cookies": [{"name": "n", "value": "v", "domain": "d"}] * (MAX_COOKIES + 1)},
        {"cookies": [{"name": "n", "value": "v" * 4097, "domain": "d"}]},
        {"cookies": [{"name": "n", "value": "v", "domain": "d", "source_port": 70000}]},
        {"cookies": [{"name": "n", "value": "v", "domain": "d", "same_site": "Whatever"}]},
        {"permissions": {"root": "allow"}},
        {"permissions": {"camera": "always"}},
        {"active": MAX_TABS},
        {"version": 2},
        [],
    ],
)
def test_what_is_past_its_bounds_is_refused(value: object) -> None:
    with pytest.raises(KeptStateError):
        KeptState.from_json(json.dumps(value).encode())


def test_what_is_far_too_large_or_too_deep_is_not_even_read() -> None:
    with pytest.raises(KeptStateError):
        KeptState.from_json(b" " * (MAX_JSON_BYTES + 1))
    with pytest.raises(KeptStateError):
        KeptState.from_json(b'{"new":' + b"[" * 100_000)


def test_values_are_not_shown_where_a_state_is_refused() -> None:
    with pytest.raises(KeptStateError) as refused:
        KeptState.from_json(b'{"cookies": [{"name": "n", "value": "secret", "domain": 1}]}')
    assert "secret" not in str(refused.value)
    assert refused.value.__suppress_context__


def test_storage_is_counted_as_it_is_written_over_all_tabs() -> None:
    tab = KeptTab(url="u", storage=(KeptStorage(origin="o", entries=(("é", "\0"),)),))
    assert storage_bytes((tab, tab)) == 2 * len('["é","\\u0000"]'.encode())


def test_tabs_are_kept_without_storage_from_where_it_is_too_much() -> None:
    large = KeptTab(url="a", storage=(KeptStorage(origin="o", entries=(("n", "v" * (MAX_STORAGE_BYTES - 100)),)),))
    small = KeptTab(url="b", storage=(KeptStorage(origin="o", entries=(("n", "v"),)),))
    many = KeptTab(url="c", storage=(KeptStorage(origin="o", entries=(("", ""),) * 10_000),) * 10)
    assert that_fit((large, large, small)) == (large, replace(large, storage=()), small)
    assert that_fit((small, many)) == (small, replace(many, storage=()))
    assert len(that_fit((small,) * 60)) == MAX_TABS
    for tabs in ((large, large, small), (small, many)):
        with pytest.raises(KeptStateError):
            KeptState.from_json(KeptState(tabs=tabs).to_json())
        state = KeptState(tabs=that_fit(tabs))
        assert KeptState.from_json(state.to_json()) == state


def test_the_most_that_may_be_kept_can_be_read_again_and_goes_into_an_archive() -> None:
    cookie = KeptCookie(name="n", value='"' * 4095, domain="d" * 256, path="/" * 1024)
    storage = KeptStorage(origin="o", entries=tuple((str(n), "\0" * 1_000) for n in range(1_390)))
    origins = tuple(KeptStorage(origin="https://" + "o" * 253 + ":65535") for _ in range(MAX_ORIGINS - 1))
    tabs = tuple(
        KeptTab(
            url="\\" * 32_768, scroll_x=1e8 / 3, scroll_y=1e8 / 3, storage=((storage, *origins) if n == 0 else origins)
        )
        for n in range(MAX_TABS)
    )
    state = KeptState(cookies=cookies_that_fit((cookie,) * MAX_COOKIES), tabs=tabs)
    assert storage_bytes(tabs) > 0.99 * MAX_STORAGE_BYTES
    assert 0.99 * MAX_COOKIES_BYTES < len(msgspec.json.encode(state.cookies)) <= MAX_COOKIES_BYTES + 2
    assert len(state.to_json()) <= MAX_MANIFEST_BYTES
    assert KeptState.from_json(state.to_json()) == state
