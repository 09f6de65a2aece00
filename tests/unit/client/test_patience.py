import pytest

from cloche.client.patience import Patience
from cloche.errors import CapacityError, NoRoomError, QuotaError
from cloche.testing.clock import FakeClock


@pytest.mark.parametrize("error", [NoRoomError("full", retry_after_s=7), QuotaError("enough", retry_after_s=7)])
def test_it_waits_as_long_as_the_server_says_and_gives_up_when_that_is_too_long(error: CapacityError) -> None:
    clock = FakeClock()
    patience = Patience(20, clock.monotonic)
    for _ in range(2):
        assert patience.pause_s(error) == 7
        clock.advance(7)
    with pytest.raises(type(error)) as caught:
        patience.pause_s(error)
    assert caught.value is error


def test_without_patience_the_first_refusal_counts() -> None:
    with pytest.raises(NoRoomError):
        Patience(0, FakeClock().monotonic).pause_s(NoRoomError("full", retry_after_s=1))


def test_a_server_that_says_at_once_is_not_asked_without_end() -> None:
    assert Patience(5, FakeClock().monotonic).pause_s(NoRoomError("full", retry_after_s=0)) == 1
