from cloche.browser.launch import WELCOME_URL
from cloche.sessions.live.tabs import MAX_KNOWN, MAX_TOLD, Tabs


def some_tabs(*ids: str, shown: str) -> Tabs:
    tabs = Tabs()
    for tab_id in ids:
        tabs.opened(tab_id, title=tab_id, url=f"https://{tab_id}.test/", opener_id="")
    tabs.shown_id = shown
    return tabs


def told(tabs: Tabs) -> list[str]:
    return [tab.id for tab in tabs.told(lambda _: False)]


def test_what_the_shown_tab_opens_takes_its_place() -> None:
    tabs = some_tabs("a", "b", shown="a")
    assert not tabs.opened("c", title="", url="", opener_id="b")
    assert tabs.opened("d", title="", url="", opener_id="a")
    assert not tabs.opened("d", title="", url="", opener_id="a"), "it is known"


def test_after_the_shown_tab_comes_its_opener_or_else_the_newest() -> None:
    tabs = some_tabs("a", "b", shown="a")
    tabs.opened("c", title="", url="", opener_id="a")
    tabs.shown_id = "c"
    assert tabs.closed("b") == ""
    assert tabs.closed("c") == "a"
    tabs = some_tabs("a", "b", "c", shown="a")
    assert tabs.closed("a") == "c"
    assert tabs.closed("a") == ""
    tabs = some_tabs("a", shown="a")
    assert tabs.closed("a") == "" and tabs.shown is None


def test_at_first_the_newest_in_which_something_is_open_is_shown() -> None:
    tabs = some_tabs("a", "b", shown="")
    tabs.opened("c", title="", url=WELCOME_URL, opener_id="")
    tabs.opened("d", title="", url="about:blank", opener_id="")
    assert tabs.likeliest == "b"
    assert tabs.newest_first() == ["d", "c", "b", "a"]
    tabs.changed("a", url="about:blank")
    tabs.changed("b", url="about:blank")
    assert tabs.likeliest == "d" and tabs.is_empty("a") and tabs.is_empty("nobody")


def test_titles_and_addresses_are_clipped() -> None:
    tabs = some_tabs("a", shown="a")
    assert tabs.changed("a", title="ä" * 10_000_000, url="data:," + "\ud800ä" * 1_000_000)
    (tab,) = tabs.told(lambda _: False)
    assert len(tab.title) == 256 and len(tab.url.encode()) <= 2048
    assert not tabs.changed("a", title="ä" * 300)
    assert not tabs.changed("nobody", title="x")


def test_a_page_that_opens_tabs_without_end_is_told_of_in_bounds() -> None:
    tabs = some_tabs(*(str(number) for number in range(5000)), shown="3")
    assert len(tabs) == MAX_KNOWN
    assert len(told(tabs)) == MAX_TOLD
    assert told(tabs)[0] == "3" and told(tabs)[-1] == str(MAX_KNOWN - 1)


def test_the_daemons_own_tabs_are_not_told_of() -> None:
    tabs = some_tabs("a", "b", "c", shown="c")
    assert [(tab.id, tab.active) for tab in tabs.told(lambda tab_id: tab_id in "bc")] == [("a", False), ("c", True)]
