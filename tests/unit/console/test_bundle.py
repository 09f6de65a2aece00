"""What of a build is served, and how builds are told apart."""

import gzip
import os
from pathlib import Path

import pytest

from cloche.console import bundle
from cloche.console.bundle import NONCE, load, stamp_of


@pytest.fixture
def static(tmp_path: Path) -> Path:
    (tmp_path / "assets/deep").mkdir(parents=True)
    (tmp_path / "index.html").write_text(f"<script nonce={NONCE}>")
    (tmp_path / "assets/index-Ab3_x-9Z.js").write_text("let a = 1;\n" * 100)
    (tmp_path / "assets/deep/cloche.svg").write_text("<svg/>")
    return tmp_path


def test_files_are_known_by_their_path_below_assets(static: Path) -> None:
    loaded = load(static)
    assert loaded is not None
    assert set(loaded.assets) == {"index-Ab3_x-9Z.js", "deep/cloche.svg"}
    assert loaded.assets["index-Ab3_x-9Z.js"].media_type.startswith("text/javascript")


def test_only_a_name_with_a_hash_stands_for_one_content_for_ever(static: Path) -> None:
    loaded = load(static)
    assert loaded is not None
    assert loaded.assets["index-Ab3_x-9Z.js"].is_hashed
    assert not loaded.assets["deep/cloche.svg"].is_hashed


def test_a_file_is_packed_where_that_makes_it_smaller(static: Path) -> None:
    loaded = load(static)
    assert loaded is not None
    script = loaded.assets["index-Ab3_x-9Z.js"]
    assert script.packed is not None
    assert gzip.decompress(script.packed) == script.content
    assert loaded.assets["deep/cloche.svg"].packed is None


def test_links_and_files_of_other_kinds_are_left_out(static: Path) -> None:
    (static / "assets/.env").write_text("secret")
    (static / "assets/page.html").write_text("<script>")
    (static / "assets/leak.js").symlink_to("/etc/hostname")
    loaded = load(static)
    assert loaded is not None
    assert len(loaded.assets) == 2


def test_nothing_built_is_nothing_loaded(tmp_path: Path) -> None:
    assert stamp_of(tmp_path / "none") is None
    assert load(tmp_path / "none") is None


def test_what_is_larger_than_any_build_is_not_loaded(static: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "MAX_BYTES", 100)
    assert load(static) is None


def test_another_build_has_another_stamp(static: Path) -> None:
    before = stamp_of(static)
    os.utime(static / "index.html", ns=(1, 1))
    assert stamp_of(static) != before
