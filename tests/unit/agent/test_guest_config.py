import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.agent.guest_config import MAX_BYTES, GuestConfig, parse_guest_config, read_guest_config


def test_it_says_what_it_says_and_nothing_of_the_rest(tmp_path: Path) -> None:
    file = tmp_path / "agent.json"
    file.write_text('{"port": 5252, "busy_threshold": 1, "sample_interval_secs": 30, "later": {"x": []}}')
    assert read_guest_config(str(file)) == GuestConfig(5252, 1.0, 30.0)
    assert parse_guest_config(b'{"port": null}') == GuestConfig()


def test_an_interval_of_nothing_is_a_second_and_not_a_busy_loop() -> None:
    assert parse_guest_config(b'{"sample_interval_secs": 0}').sample_interval_s == 1.0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "[]",
        '{"port": "52"}',
        '{"port": 52.0}',
        '{"port": true}',
        '{"port": 0}',
        '{"port": 4294967295}',
        '{"busy_threshold": "0.1"}',
        '{"busy_threshold": -1}',
        '{"busy_threshold": NaN}',
        '{"busy_threshold": Infinity}',
        '{"busy_threshold": 1e999}',
        '{"sample_interval_secs": 0.5}',
        '{"sample_interval_secs": -1}',
        "[" * 10_000,
        '{"port": 1' + "0" * 5000 + "}",
        "{}" + " " * MAX_BYTES,
    ],
    ids=lambda text: text[:40],
)
def test_what_will_not_do_is_refused_in_words(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse_guest_config(text.encode())


@given(st.binary(max_size=200) | st.recursive(st.integers() | st.floats(), lambda x: st.lists(x)).map(json.dumps))
def test_no_bytes_do_more_than_be_refused(data: bytes | str) -> None:
    try:
        found = parse_guest_config(data.encode() if isinstance(data, str) else data)
    except ValueError:
        return
    assert isinstance(found, GuestConfig)
