import pytest

from cloche.agent.machine.api import Surroundings
from cloche.agent.machine.beneath import Place, Places
from cloche.agent.machine.problem import Problem
from cloche.agent.machine.profile import require_writable

PLACES = Places("/w", "/p")
PROFILE, WORKSPACE = PLACES.locate(b"/profile/a"), PLACES.locate(b"/workspace/a")


class Browser:
    def __init__(self, is_at_rest: bool) -> None:
        self.is_at_rest = is_at_rest


def around(browser: Browser | None) -> Surroundings:
    return Surroundings(*[None] * 5, browser, None)  # type: ignore[arg-type]  # nothing else is asked


def test_the_profile_stays_as_it_is_while_a_browser_lives() -> None:
    with pytest.raises(Problem) as raised:
        require_writable(around(Browser(is_at_rest=False)), PROFILE)
    assert (raised.value.status, raised.value.code) == (409, "browser_running")


@pytest.mark.parametrize(
    ("browser", "place"), [(Browser(is_at_rest=True), PROFILE), (None, PROFILE), (Browser(is_at_rest=False), WORKSPACE)]
)
def test_the_workspace_and_the_profile_of_no_browser_may_be_written(browser: Browser | None, place: Place) -> None:
    require_writable(around(browser), place)
