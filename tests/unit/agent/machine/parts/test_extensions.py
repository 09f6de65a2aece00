import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.agent.machine.beneath import Places
from cloche.agent.machine.parts.extensions import find_extensions, is_manifest
from cloche.agent.machine.problem import Problem

MANIFEST = {"manifest_version": 3, "name": "n", "version": "1.0"}


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    extension = tmp_path / "workspace" / "ext"
    extension.mkdir(parents=True)
    (extension / "manifest.json").write_text(json.dumps(MANIFEST))
    return tmp_path / "workspace"


def find(workspace: Path, *paths: str) -> tuple[str, ...]:
    return find_extensions(Places(str(workspace), ""), paths)


def refusal(workspace: Path, path: str) -> str:
    with pytest.raises(Problem) as caught:
        find(workspace, path)
    assert caught.value.status == 400
    return caught.value.code


def test_an_extension_is_found_where_it_really_lies(workspace: Path) -> None:
    (workspace / "link").symlink_to("ext")
    real = str(workspace / "ext")
    assert find(workspace, "/workspace/ext", "ext", "link", "./ext/../ext") == (real,) * 4


def test_what_leads_out_of_the_workspace_is_refused(workspace: Path) -> None:
    outside = workspace.parent / "outside"
    (workspace / "ext").rename(outside)
    (workspace / "out").symlink_to("../outside")
    assert refusal(workspace, "out") == "leaves_root"
    assert refusal(workspace, "../outside") == "leaves_root"
    assert refusal(workspace, str(outside)) == "not_in_session"


@pytest.mark.parametrize("make", ["missing", "empty", "file", "pipe", "link", "large", "nonsense"])
def test_a_directory_without_a_manifest_is_no_extension(workspace: Path, make: str) -> None:
    manifest = workspace / "ext" / "manifest.json"
    text = manifest.read_text()
    manifest.unlink()
    if make == "missing":
        (workspace / "ext").rmdir()
    elif make == "file":
        (workspace / "ext").rmdir()
        (workspace / "ext").write_text(text)
    elif make == "pipe":
        os.mkfifo(manifest)
    elif make == "link":
        (workspace / "real.json").write_text(text)
        manifest.symlink_to("../real.json")
    elif make == "large":
        manifest.write_text(text + " " * (1 << 20))
    elif make == "nonsense":
        manifest.write_text("[]")
    assert refusal(workspace, "ext") == "invalid_extension"


@pytest.mark.parametrize("name", ["a,b", "a\nb", "a\udcffb"])
def test_a_path_that_cannot_stand_in_the_list_is_refused(workspace: Path, name: str) -> None:
    (workspace / "ext").rename(workspace / name)
    assert refusal(workspace, name) == "invalid_extension"


def test_comments_and_a_byte_order_mark_are_chromiums_way() -> None:
    assert is_manifest(b"\xef\xbb\xbf// mine\n{\n  // version\n" + json.dumps(MANIFEST).encode()[1:])


@pytest.mark.parametrize("change", [{"name": ""}, {"name": 1}, {"version": None}, {"manifest_version": "3"}])
def test_a_manifest_names_its_extension_and_its_version(change: dict[str, object]) -> None:
    assert is_manifest(json.dumps(MANIFEST).encode())
    assert not is_manifest(json.dumps(MANIFEST | change).encode())


@given(st.binary(max_size=300))
def test_bytes_are_a_manifest_or_not(text: bytes) -> None:
    assert is_manifest(text) in (True, False)


def test_a_manifest_that_is_nested_too_deep_is_none() -> None:
    assert not is_manifest(b"[" * 200_000)
