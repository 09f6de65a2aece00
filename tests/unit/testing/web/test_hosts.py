"""The hosts file of the local web: read whole, moved and restored."""

import os
from pathlib import Path

from cloche.testing.web.hosts import HostsFile

NAMES = {"site.test": ("93.184.215.14",), "two.test": ("93.184.215.24", "10.77.0.5")}


def lines(file: HostsFile) -> set[str]:
    return set(file.path.read_text().splitlines())


def test_every_address_of_a_name_has_its_line(tmp_path: Path) -> None:
    file = HostsFile(tmp_path / "hosts", NAMES)
    assert lines(file) == {"93.184.215.14 site.test", "93.184.215.24 two.test", "10.77.0.5 two.test"}


def test_rebinding_moves_one_name_and_restoring_takes_it_back(tmp_path: Path) -> None:
    file = HostsFile(tmp_path / "hosts", NAMES)
    first = lines(file)
    file.rebind("site.test", "127.0.0.1")
    assert "127.0.0.1 site.test" in lines(file)
    assert "93.184.215.14 site.test" not in lines(file)
    assert file.addresses("site.test") == ("127.0.0.1",)
    file.restore()
    assert lines(file) == first


def test_a_name_without_addresses_is_gone(tmp_path: Path) -> None:
    file = HostsFile(tmp_path / "hosts", NAMES)
    file.rebind("site.test")
    assert not [line for line in lines(file) if "site.test" in line]


def test_a_reader_that_opened_it_before_a_change_still_reads_a_whole_file(tmp_path: Path) -> None:
    file = HostsFile(tmp_path / "hosts", NAMES)
    with file.path.open() as opened:
        file.rebind("site.test", "127.0.0.1")
        assert "93.184.215.14 site.test" in opened.read()
    assert os.listdir(tmp_path) == ["hosts"]
