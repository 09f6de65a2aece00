"""How a selector is divided among frames."""

from cloche.browser.locate import split_at_frames
from cloche.browser.selector import parse_selector


def engines(text: str) -> list[list[str]]:
    return [[part["engine"] for part in parts] for parts in split_at_frames(parse_selector(text))]


def test_a_selector_is_divided_behind_each_frame() -> None:
    assert engines("#a >> text=b") == [["css", "text"]]
    assert engines("main >> frame=iframe >> frame=#x >> role=button") == [["css", "frame"], ["frame"], ["role"]]


def test_a_frame_at_the_end_means_the_iframe_itself() -> None:
    assert engines("frame=iframe") == [["frame"]]
