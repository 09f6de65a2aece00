import base64
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.agent.machine.files.labels import decimal_seconds, labelled, timestamp


@given(st.binary(max_size=30) | st.text(max_size=20).map(lambda text: text.encode("utf-8", "replace")))
def test_a_name_can_always_be_had_back_and_has_its_bytes_beside_it_only_where_it_must(name: bytes) -> None:
    fields = labelled("name", name)
    if "name_b64" in fields:
        assert base64.b64decode(fields["name_b64"]) == name
        assert "\ufffd" in fields["name"]
    else:
        assert fields["name"].encode() == name


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "1970-01-01T00:00:00.000000Z"),
        (1_700_000_000_123_456_789, "2023-11-14T22:13:20.123456Z"),
        (-1, "1969-12-31T23:59:59.999999Z"),
        (1 << 200, "9999-12-31T23:59:59.000000Z"),
        (-(1 << 200), "0001-01-01T00:00:00.000000Z"),
    ],
)
def test_a_time_is_told_in_rfc_3339(nanoseconds: int, text: str) -> None:
    assert timestamp(nanoseconds) == text


@given(st.integers(-(1 << 70), 1 << 70))
def test_any_time_of_a_file_can_be_told(nanoseconds: int) -> None:
    assert datetime.fromisoformat(timestamp(nanoseconds)).tzinfo == UTC


@given(st.integers(-(1 << 70), 1 << 70))
def test_seconds_keep_all_their_fractions(nanoseconds: int) -> None:
    whole, _, fractions = decimal_seconds(nanoseconds).partition(".")
    assert len(fractions) == 9
    assert int(whole + fractions) == nanoseconds
