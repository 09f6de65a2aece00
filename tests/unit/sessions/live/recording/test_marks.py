import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.sessions.live.interface import Mark
from cloche.sessions.live.recording.marks import HANDED_BACK, MAX_HOST_CHARS, MAX_MARKS, TAKEN, Marks, Titles, host_of
from cloche.sessions.model import EventType


def action(name: str, *, success: bool = True, url: str = "https://user:word@Example.org:8443/a?token=1#b") -> str:
    data = {"action": name, "success": success, "by": "ann", "tab": "t", "error": ""}
    return Titles().of(EventType.BROWSER_ACTION, data, url)


def test_an_action_is_called_by_its_name_and_where_it_leads_by_the_host_alone() -> None:
    assert action("click") == "click"
    assert action("navigate") == "navigate example.org"
    assert action("open_tab") == "open tab example.org"
    assert action("navigate", success=False) == "navigate (failed)"


@pytest.mark.parametrize("url", ["", "about:blank", "data:text/html,secret", "file:///etc/x", "http://[", "https://"])
def test_what_is_not_of_the_web_has_no_host(url: str) -> None:
    assert host_of(url) == ""
    assert action("navigate", url=url) == "navigate"


def test_control_is_told_when_it_goes_to_a_person_and_when_it_comes_back() -> None:
    titles = Titles()
    states = ["viewer", "taken", "taken", "free", "agent", "taken", "viewer"]
    told = [titles.of(EventType.LIVE_CONTROL, {"state": state}, "") for state in states]
    assert told == ["", TAKEN, "", HANDED_BACK, "", TAKEN, HANDED_BACK]


@pytest.mark.parametrize("type_", sorted(set(EventType) - {EventType.BROWSER_ACTION, EventType.LIVE_CONTROL}))
def test_nothing_else_is_a_chapter(type_: EventType) -> None:
    assert Titles().of(type_, {"action": "click", "state": "taken", "success": True}, "https://example.org/") == ""


def test_marks_are_bounded() -> None:
    marks = Marks()
    assert all(marks.add(at, "click") for at in range(MAX_MARKS))
    assert not marks.add(1, "click")
    assert len(marks.all()) == MAX_MARKS
    assert marks.all()[1] == Mark(at_s=0.001, title="click")


@given(st.text())
def test_a_host_is_short_and_never_raises(url: str) -> None:
    assert len(host_of(url)) <= MAX_HOST_CHARS
    assert host_of(f"https://{url}").isprintable()
