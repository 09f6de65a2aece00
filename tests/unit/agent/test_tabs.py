import json
import os
import time
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.agent.tabs import (
    MAX_TABS,
    NAME,
    choose_tabs,
    escape,
    forget_tabs,
    note_tabs,
    open_tabs,
    read_tabs,
    write_tabs,
)

from .devtools_peer import http, meet


def page(url: object, type_: str = "page") -> dict[str, object]:
    return {"type": type_, "url": url}


def note(*entries: object) -> list[str]:
    return meet(lambda _head: [http(json.dumps(entries).encode())], note_tabs)


def test_tabs_are_noted_with_the_one_in_front_last() -> None:
    assert note(page("https://front.example/"), page("about:blank"), page("https://first.example/")) == [
        "https://first.example/",
        "about:blank",
        "https://front.example/",
    ]


def test_what_is_no_page_of_the_web_is_not_noted() -> None:
    odd = [page("file:///etc/passwd"), page("chrome://settings"), page("https://w.example/w.js", "service_worker")]
    assert note(*odd, page("devtools://x"), page(7), page(None), "page", 7, page("https://" + "a" * 3000)) == []


def test_a_tab_between_two_processes_is_waited_for_and_one_that_is_nowhere_is_not() -> None:
    lists = iter([[page("")], [page("")], [page("https://example.com/")]])
    assert meet(lambda _head: [http(json.dumps(next(lists)).encode())], note_tabs) == ["https://example.com/"]
    assert note(page(""), page("https://example.com/")) == ["https://example.com/"]


def test_of_too_many_tabs_those_last_in_front_are_kept() -> None:
    tabs = note(*(page(f"https://example.com/{number}") for number in range(MAX_TABS + 9)))
    assert (len(tabs), tabs[-1], tabs[0]) == (MAX_TABS, "https://example.com/0", f"https://example.com/{MAX_TABS - 1}")


@pytest.mark.parametrize(
    "response",
    [
        b"",
        http(b"{}"),
        http(b"[" * 100_000),
        http(b"nonsense"),
        http(b"[]", b"500 No"),
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n[]",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 20_000,
    ],
)
def test_a_browser_that_talks_nonsense_costs_the_tabs_and_nothing_else(response: bytes) -> None:
    with pytest.raises((OSError, ValueError)):
        meet(lambda _head: [response], note_tabs)


def test_tabs_are_opened_in_order_and_one_that_is_not_is_skipped() -> None:
    asked = []

    def answer(head: bytes) -> list[bytes]:
        method, target, _ = head.decode().split(" ", 2)
        asked.append((method, unquote(target)))
        return [http(b"{}", b"500 No" if "bad" in target else b"200 OK")]

    urls = ["https://a.example/?b=%20&c#d", "https://bad.example", "data:text/html,ü 100%"]
    assert meet(answer, lambda loop, found: open_tabs(loop, found, urls, time.monotonic() + 5)) == 2
    assert asked == [("PUT", f"/json/new?{url}") for url in urls]


def test_no_tab_is_opened_when_the_time_is_over() -> None:
    answer = meet(lambda _head: [], lambda loop, found: open_tabs(loop, found, ["about:blank"] * 3, time.monotonic()))
    assert answer == 0


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_escaping_is_undone_by_unescaping_and_leaves_nothing_that_means_something(url: str) -> None:
    escaped = escape(url)
    assert unquote(escaped) == url
    assert not set(escaped) & set(" ?#&+\r\n/")
    assert escaped.isascii()


def test_what_is_written_is_read_back_and_replaces_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("untouched")
    (tmp_path / NAME).symlink_to("outside")
    write_tabs(str(tmp_path), ["https://a.example/", "about:blank"])
    assert read_tabs(str(tmp_path)) == ["https://a.example/", "about:blank"]
    assert (tmp_path / "outside").read_text() == "untouched"
    assert sorted(path.name for path in tmp_path.iterdir()) == [NAME, "outside"]
    forget_tabs(str(tmp_path))
    assert read_tabs(str(tmp_path)) is None
    forget_tabs(str(tmp_path))


def test_what_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / NAME).mkdir()
    with pytest.raises(OSError, match="directory"):
        write_tabs(str(tmp_path), ["about:blank"])
    assert [path.name for path in tmp_path.iterdir()] == [NAME]


@pytest.mark.parametrize("text", ["", "{}", "7", "[" * 100_000, "[" + " " * 600_000 + "]", "\udcff"])
def test_a_file_that_was_not_written_by_us_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / NAME).write_bytes(text.encode("utf-8", "surrogateescape"))
    assert read_tabs(str(tmp_path)) is None


def test_of_a_file_full_of_addresses_only_the_first_thousand_are_looked_at(tmp_path: Path) -> None:
    (tmp_path / NAME).write_text(json.dumps(["a"] * 999 + ["about:blank"] * 20_000))
    assert read_tabs(str(tmp_path)) == ["about:blank"]


def test_a_link_a_pipe_or_a_directory_is_none(tmp_path: Path) -> None:
    file = tmp_path / NAME
    os.mkfifo(file)
    assert read_tabs(str(tmp_path)) is None
    file.unlink()
    (tmp_path / "real").write_text("[]")
    file.symlink_to("real")
    assert read_tabs(str(tmp_path)) is None
    file.unlink()
    file.mkdir()
    assert read_tabs(str(tmp_path)) is None


@given(st.lists(st.one_of(st.text(), st.integers(), st.none(), st.sampled_from(["about:blank", "https://a.example/"]))))
def test_only_addresses_that_a_browser_may_be_started_with_are_chosen(urls: list[object]) -> None:
    chosen = choose_tabs(urls)
    assert len(chosen) <= MAX_TABS
    assert set(chosen) <= {url for url in urls if isinstance(url, str) and url.startswith(("about:blank", "https://"))}
