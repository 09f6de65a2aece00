import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.agent.checks.definitions import (
    INTEGRATION_KEYS,
    MAX_SECONDS,
    PROBE_KEYS,
    DropInError,
    Integration,
    Probe,
    parse_integration,
    parse_object,
    parse_probe,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=70),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
NAMES = st.from_regex(r"[A-Za-z0-9._-]{1,63}", fullmatch=True).filter(lambda name: name not in (".", ".."))
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=40)
SECONDS = st.integers(0, 2**64 - 1)


def test_the_smallest_files_get_the_documented_defaults() -> None:
    assert parse_integration({"name": "db"}) == Integration(
        name="db",
        health_cmd=None,
        health_interval_s=30,
        health_timeout_s=10,
        startup_grace_s=0,
        checkpoint_cmd=None,
        restore_cmd=None,
        critical=False,
    )
    assert parse_probe({"name": "disk", "cmd": "df"}) == Probe("disk", "df", None, 30, 10, is_json=False)


def test_every_key_is_read() -> None:
    fields = {
        "name": "Data-Base_1.x",
        "health_cmd": "pg_isready",
        "health_interval_secs": 5,
        "health_timeout_secs": 2,
        "startup_grace_secs": 60,
        "checkpoint_cmd": "pg_dumpall > /data/x",
        "restore_cmd": "psql < /data/x",
        "critical": True,
    }
    assert parse_integration(fields) == Integration(*fields.values())
    assert fields.keys() == INTEGRATION_KEYS
    probe = {
        "name": "p",
        "cmd": "c",
        "description": "d",
        "interval_secs": 5,
        "timeout_secs": 2,
        "output_format": "json",
    }
    assert parse_probe(probe) == Probe("p", "c", "d", 5, 2, is_json=True)
    assert probe.keys() | {"command"} == PROBE_KEYS


def test_a_probes_command_may_stand_under_either_key_but_not_under_both_with_two_meanings() -> None:
    assert parse_probe({"name": "p", "command": "c"}).cmd == "c"
    assert parse_probe({"name": "p", "command": "c", "cmd": None}).cmd == "c"
    assert parse_probe({"name": "p", "command": "c", "cmd": "c"}).cmd == "c"
    with pytest.raises(DropInError, match="differ"):
        parse_probe({"name": "p", "command": "c", "cmd": "d"})
    with pytest.raises(DropInError, match="cmd is missing"):
        parse_probe({"name": "p"})


def test_times_are_brought_into_bounds() -> None:
    low = parse_integration({"name": "a", "health_interval_secs": 0, "health_timeout_secs": 0, "startup_grace_secs": 0})
    assert (low.health_interval_s, low.health_timeout_s, low.startup_grace_s) == (1, 1, 0)
    most = 2**64 - 1
    high = parse_probe({"name": "a", "cmd": "", "interval_secs": most, "timeout_secs": most})
    assert (high.interval_s, high.timeout_s) == (MAX_SECONDS, MAX_SECONDS)


@pytest.mark.parametrize(
    "changes",
    [
        {"name": None},
        {"name": ""},
        {"name": "a" * 64},
        {"name": "a b"},
        {"name": "a/b"},
        {"name": "."},
        {"name": ".."},
        {"name": "a\n"},
        {"name": "é"},
        {"name": 5},
        {"health_cmd": 5},
        {"health_cmd": ["a"]},
        {"health_cmd": "a\0b"},
        {"health_cmd": "\ud800"},
        {"health_interval_secs": -1},
        {"health_interval_secs": 1.0},
        {"health_interval_secs": "5"},
        {"health_interval_secs": True},
        {"health_interval_secs": None},
        {"health_interval_secs": 2**64},
        {"startup_grace_secs": -1},
        {"critical": 1},
        {"critical": None},
    ],
    ids=repr,
)
def test_a_value_that_will_not_do_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(DropInError):
        parse_integration({"name": "a"} | changes)


@pytest.mark.parametrize("value", ["", "JSON", None, 1, ["json"]])
def test_an_output_format_that_there_is_not_is_refused(value: object) -> None:
    with pytest.raises(DropInError):
        parse_probe({"name": "a", "cmd": "c", "output_format": value})


@given(st.dictionaries(st.sampled_from(sorted(INTEGRATION_KEYS | PROBE_KEYS)) | st.text(max_size=3), JSON, max_size=9))
def test_whatever_an_object_holds_it_is_read_or_refused_and_never_more(fields: dict[str, Any]) -> None:
    for parse, text_keys in (
        (parse_integration, ("health_cmd", "checkpoint_cmd", "restore_cmd")),
        (parse_probe, ("cmd",)),
    ):
        try:
            parsed = parse(fields)
        except DropInError as error:
            assert len(str(error)) < 100
            continue
        assert parsed.name == fields["name"]
        for key in text_keys:
            assert getattr(parsed, key) is None or "\0" not in getattr(parsed, key).encode().decode()


@given(
    st.fixed_dictionaries(
        {"name": NAMES},
        optional={
            "health_cmd": TEXTS | st.none(),
            "health_interval_secs": SECONDS,
            "health_timeout_secs": SECONDS,
            "startup_grace_secs": SECONDS,
            "checkpoint_cmd": TEXTS | st.none(),
            "restore_cmd": TEXTS | st.none(),
            "critical": st.booleans(),
            "some other key": JSON,
        },
    )
)
def test_whatever_the_schema_allows_is_taken_over(fields: dict[str, Any]) -> None:
    parsed = parse_integration(fields)
    for key in ("name", "health_cmd", "checkpoint_cmd", "restore_cmd"):
        assert getattr(parsed, key) == fields.get(key)
    assert parsed.critical == fields.get("critical", False)
    assert 1 <= parsed.health_interval_s <= MAX_SECONDS
    assert 1 <= parsed.health_timeout_s <= MAX_SECONDS
    assert 0 <= parsed.startup_grace_s <= MAX_SECONDS


@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_an_object_or_refused(data: bytes) -> None:
    try:
        assert isinstance(parse_object(data), dict)
    except DropInError as error:
        assert str(error) in ("not JSON", "not an object")


def test_what_is_nested_too_deeply_or_is_too_long_a_number_is_refused() -> None:
    for data in (b"[" * 60_000, b'{"a":' * 10_000, b'{"a":' + b"9" * 60_000 + b"}"):
        with pytest.raises(DropInError):
            parse_object(data)
