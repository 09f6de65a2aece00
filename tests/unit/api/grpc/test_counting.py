"""Values are counted as the parser would find them, and nothing that is no message troubles the count."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.api.grpc.counting import require_few_values
from cloche.api.grpc.generated import browser_pb2 as pb
from cloche.errors import TooLargeError

STATE = pb.SetStorageStateRequest(
    v=1,
    session_id=pb.CanonicalId(ulid="a"),
    storage_state=pb.StorageState(
        cookies=[pb.Cookie(name="a", expires=1.5, secure=True), pb.Cookie()],
        origins=[pb.OriginState(origin="https://a.example", localStorage=[pb.NameValue(name="a", value="b" * 300)])],
    ),
)
VALUES = 1 + 2 + 1 + (1 + 3) + 1 + (2 + 3)


def test_values_are_counted_in_nested_messages_too() -> None:
    data = STATE.SerializeToString()
    require_few_values(data, pb.SetStorageStateRequest, VALUES)
    with pytest.raises(TooLargeError):
        require_few_values(data, pb.SetStorageStateRequest, VALUES - 1)


def test_text_is_one_value_whatever_it_looks_like() -> None:
    data = pb.EvaluateRequest(expression=(b"\x0a\x00" * 1000).decode()).SerializeToString()
    require_few_values(data, pb.EvaluateRequest, 1)


@given(st.binary(max_size=200), st.integers(0, 20))
def test_any_bytes_are_counted_to_an_end(data: bytes, most: int) -> None:
    with suppress(TooLargeError):
        require_few_values(STATE.SerializeToString()[: most * 5] + data, pb.SetStorageStateRequest, most)
