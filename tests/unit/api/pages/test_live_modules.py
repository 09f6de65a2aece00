"""The modules of the live view: whole, of one version, without anything from elsewhere."""

import posixpath
import re
from importlib.resources import files

import cloche.api.pages
from cloche.api.pages.live_modules import MODULES

SOURCES = {name: text.decode() for name, text in MODULES.content.items()}
IMPORT = re.compile(r"""(?:^|[\s;}])(?:import|from)\s*\(?\s*["']([^"']+)["']""")


def without_comments(text: str) -> str:
    return re.sub(r"/\*.*?\*/|^\s*//.*?$", "", text, flags=re.DOTALL | re.MULTILINE)


def imports_of(name: str) -> list[str]:
    return IMPORT.findall(without_comments(SOURCES[name]))


def test_the_page_and_the_element_are_there() -> None:
    assert {"page.js", "cloche-live.js"} <= set(SOURCES)


def test_every_import_is_of_a_module_that_is_there_and_names_the_version() -> None:
    found = [(name, each) for name in SOURCES for each in imports_of(name)]
    assert len(found) > 20
    for name, each in found:
        path, _, query = each.partition("?")
        assert posixpath.normpath(posixpath.join(posixpath.dirname(name), path)) in SOURCES, (name, each)
        assert query == f"v={MODULES.version}", (name, each)


def test_every_module_is_reached_from_the_page() -> None:
    reached, ahead = set[str](), ["page.js"]
    while ahead:
        name = ahead.pop()
        if name not in reached:
            reached.add(name)
            paths = [each.partition("?")[0] for each in imports_of(name)]
            ahead += [posixpath.normpath(posixpath.join(posixpath.dirname(name), path)) for path in paths]
    assert reached == MODULES.needed
    # Types only: named in comments.
    assert set(SOURCES) - reached == {"transports/port.js"}


def test_no_module_is_past_four_hundred_lines() -> None:
    assert not {name: text.count("\n") for name, text in SOURCES.items() if text.count("\n") > 400}


def test_text_never_becomes_markup_and_nothing_is_run_that_is_no_module() -> None:
    banned = re.compile(r"\b(innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval|new Function|importScripts)\b")
    assert not [name for name, text in SOURCES.items() if banned.search(text)]


def test_the_element_has_the_colours_of_the_other_pages() -> None:
    base = (files(cloche.api.pages) / "base.css").read_text("utf-8")
    ours = [
        dict(re.findall(r"--([a-z]+): var\(--cloche-[a-z-]+, (#[0-9a-f]{6})\)", part))
        for part in SOURCES["styles/tokens.js"].split("prefers-color-scheme: dark")
    ]
    theirs = [dict(re.findall(r"--([a-z]+): (#[0-9a-f]{6})", part)) for part in base.split("prefers-color-scheme")]
    for mine, named in zip(ours, theirs, strict=True):
        assert named and named.items() <= mine.items()
