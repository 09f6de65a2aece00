"""What of this machine the encoder child is given."""

from pathlib import Path

import pytest

from cloche.errors import StartError
from cloche.live.encoder_argv import Builder
from cloche.live.encoder_files import find_walls, has_capability, shared_library, who_builds


def test_what_it_finds_is_there() -> None:
    walls = find_walls("bwrap")
    files = walls.python
    assert files.program.is_file()
    assert (files.standard_library / "os.py").is_file()
    assert (files.av / "__init__.py").is_file()
    assert (files.code / "main.py").is_file()
    for path in (files.program, files.standard_library, files.av, files.code):
        assert path.is_absolute()
    assert Path(walls.bwrap).is_file()
    assert (walls.setpriv is None) == (walls.builder is Builder.USER)


def test_without_bubblewrap_there_are_no_walls() -> None:
    with pytest.raises(StartError) as caught:
        find_walls("bwrap-that-is-not-there")
    assert caught.value.reason == "encoder_not_confined"


def test_an_ordinary_user_builds_with_a_user_namespace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert who_builds() is Builder.USER


@pytest.mark.parametrize(("capable", "builder"), [(True, Builder.ROOT), (False, Builder.NOBODY)])
def test_root_builds_itself_where_it_may_mount(
    monkeypatch: pytest.MonkeyPatch, capable: bool, builder: Builder
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr("cloche.live.encoder_files.has_capability", lambda _status, _number: capable)
    assert who_builds() is builder


def test_capabilities_are_read_from_the_effective_set() -> None:
    status = "Name:\tpython\nCapPrm:\t000001ffffffffff\nCapEff:\t0000000000200001\nCapBnd:\t0\n"
    assert has_capability(status, 21)
    assert has_capability(status, 0)
    assert not has_capability(status, 20)
    assert not has_capability("Name:\tpython\n", 21)


def test_libpython_is_found_where_it_was_loaded_from() -> None:
    maps = (
        "5581e000-5581f000 r--p 00000000 fe:00 123  /opt/py/bin/python3.11\n"
        "7f6e0000-7f6e1000 rw-p 00000000 00:00 0 \n"
        "7f6e2000-7f6e3000 r-xp 00001000 fe:00 124                        /opt/a b/lib/libpython3.11.so.1.0\n"
    )
    assert shared_library(maps) == Path("/opt/a b/lib/libpython3.11.so.1.0")
    assert shared_library(maps.splitlines()[0]) is None
