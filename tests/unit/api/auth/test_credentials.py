"""Where a key may stand."""

import pytest

from cloche.api.auth.credentials import find_key


@pytest.mark.parametrize(
    ("headers", "key"),
    [
        ({}, None),
        ({"authorization": "Bearer ck_1"}, "ck_1"),
        ({"authorization": "bearer  ck_1 "}, "ck_1"),
        ({"x-api-key": "ck_2"}, "ck_2"),
        ({"authorization": "Bearer ck_1", "x-api-key": "ck_2"}, "ck_1"),
        ({"authorization": "Basic dTpw"}, ""),
        ({"authorization": "Bearer"}, ""),
    ],
)
def test_a_key_is_found_in_either_field(headers: dict[str, str], key: str | None) -> None:
    assert find_key(headers) == key
