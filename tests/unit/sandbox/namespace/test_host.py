import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from cloche.sandbox.namespace import host
from cloche.sandbox.namespace.config import NamespaceConfig
from cloche.sandbox.namespace.host import Host, first_closed
from cloche.sandbox.namespace.shell import find_busybox
from cloche.sandbox.spec import Engine


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> NamespaceConfig:
    """Of a host with a browser. As any user: nothing is asked about the way to the test's own directory."""
    monkeypatch.setattr(host.os, "geteuid", lambda: 1000)
    browser = tmp_path / "browser" / "chrome"
    browser.parent.mkdir()
    browser.write_text("#!/bin/sh\n")
    browser.chmod(0o755)
    return NamespaceConfig(run_dir=tmp_path / "run", state_dir=tmp_path / "state", engines={Engine.SHELL: browser})


def in_runtime(config: NamespaceConfig) -> set[str]:
    return {path.name for path in (config.state_dir / "runtime").iterdir() if path.is_dir()}


def test_image_and_shell_are_built_together_and_found_again(config: NamespaceConfig) -> None:
    if find_busybox("busybox") is None:
        pytest.skip("needs busybox-static (cloche doctor: shell)")
    ground = Host(config).ground(Engine.SHELL)
    assert ground.shell is not None
    assert in_runtime(config) == {ground.image.path.name, ground.shell.path.name}
    assert Host(config).ground(Engine.SHELL) == ground


def test_without_a_shell_there_is_an_image_all_the_same(config: NamespaceConfig, tmp_path: Path) -> None:
    none = Host(replace(config, busybox="/nonexistent/busybox")).ground(Engine.SHELL)
    assert none.shell is None
    broken = tmp_path / "busybox"
    broken.write_bytes(b"\x7fELF" + bytes(100))
    broken.chmod(0o755)
    assert Host(replace(config, busybox=str(broken))).ground(Engine.SHELL) == none


def test_a_shell_that_has_gone_is_built_again(config: NamespaceConfig) -> None:
    if find_busybox("busybox") is None:
        pytest.skip("needs busybox-static (cloche doctor: shell)")
    looking = Host(config)
    shell = looking.ground(Engine.SHELL).shell
    assert shell is not None
    shutil.rmtree(shell.path)
    assert looking.ground(Engine.SHELL).shell == shell
    assert (shell.path / "sh").is_symlink()


def test_the_outermost_directory_that_is_closed_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o711)
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / "a").chmod(0o700)
    closed = first_closed(inner)
    assert closed is not None
    # The test's own directory may lie below one that is closed already.
    assert closed == tmp_path / "a" or closed in tmp_path.parents


def test_a_way_that_is_open_or_not_there_yet_is_fine() -> None:
    assert first_closed(Path("/usr/lib")) is None
    assert first_closed(Path("/usr/nothing/here")) is None
