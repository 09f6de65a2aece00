"""The pages do not rot: links lead somewhere, commands they name exist, settings they name are real."""

import re
from pathlib import Path

import pytest

from cloche.daemon.settings import Settings

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
# Settings of other programs than the daemon: scripts, tests.
OTHER_VARIABLES = {
    *("CLOCHE_CONFIG", "CLOCHE_PYTHON", "CLOCHE_TEST_NETNS", "CLOCHE_URL", "CLOCHE_KEY", "CLOCHE_PASSPHRASE"),
}


def anchors(page: Path) -> set[str]:
    """The fragments of a page's headings, as code hosts make them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_within_the_project_lead_somewhere(page: Path) -> None:
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if "://" in target or target.startswith("mailto:"):
            continue
        path, _, fragment = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        if not there.exists() or (fragment and there.suffix == ".md" and fragment not in anchors(there)):
            broken.append(target)
    assert not broken


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_scripts_that_a_page_names_are_there(page: Path) -> None:
    named = set(re.findall(r"\bscript/[a-z-]+", page.read_text()))
    assert not {name for name in named if not (ROOT / name).is_file()}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_settings_that_a_page_names_are_real(page: Path) -> None:
    known = {f"CLOCHE_{name.upper()}" for name in Settings.model_fields} | OTHER_VARIABLES
    named = set(re.findall(r"\bCLOCHE_[A-Z_]+[A-Z]\b", page.read_text()))
    assert not named - known


def test_every_script_says_at_its_top_what_it_is_for() -> None:
    for script in sorted((ROOT / "script").iterdir()):
        first, second = script.read_text().splitlines()[:2]
        assert first == "#!/usr/bin/env bash", script
        assert second.startswith("# "), script
        assert script.stat().st_mode & 0o111, f"{script} is not executable"


def test_the_glossary_has_each_word_once() -> None:
    words = re.findall(r"^\| \*\*(.+?)\*\* \|", (ROOT / "docs/glossary.md").read_text(), re.MULTILINE)
    assert len(words) > 20
    assert len(words) == len(set(words))
