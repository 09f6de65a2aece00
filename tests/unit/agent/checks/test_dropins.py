import json
import os
import socket
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloche.agent.checks import dropins
from cloche.agent.checks.dropins import MAX_FILE_BYTES, MAX_FILES, DropIns, read_drop_ins

from .conftest import DropInDirectory


def names(found: DropIns) -> list[str]:
    return [one.name for one in found.integrations]


def reasons(found: DropIns) -> dict[str, str]:
    return {Path(notice.path).name: notice.reason for notice in found.notices if notice.is_skipped}


def test_files_are_read_by_name_and_nothing_else_is(drop_ins: DropInDirectory) -> None:
    for file_name in ("b.json", "a.json", "c.JSON", "d.json.bak", ".json", "e"):
        drop_ins.write("integrations.d", file_name, {"name": file_name.replace(".", "-").strip("-")})
    drop_ins.probe("p", "true")
    found = read_drop_ins([str(drop_ins.root)])
    assert names(found) == ["a-json", "b-json"]
    assert [probe.name for probe in found.probes] == ["p"]
    assert not found.notices


def test_what_is_not_there_is_no_mistake(tmp_path: Path) -> None:
    (tmp_path / "half").mkdir(mode=0o755)
    assert read_drop_ins([str(tmp_path / "nowhere"), str(tmp_path / "half")]) == DropIns()


def test_of_one_name_the_first_directorys_counts_and_then_the_first_files(tmp_path: Path) -> None:
    first, second = DropInDirectory(tmp_path / "first"), DropInDirectory(tmp_path / "second")
    first.write("integrations.d", "2.json", {"name": "a", "health_cmd": "later file"})
    first.write("integrations.d", "1.json", {"name": "a", "health_cmd": "first"})
    second.write("integrations.d", "0.json", {"name": "a", "health_cmd": "later directory"})
    second.integration("b")
    second.probe("a", "an integration of that name is something else")
    found = read_drop_ins([str(first.root), str(second.root)])
    assert [(one.name, one.health_cmd) for one in found.integrations] == [("a", "first"), ("b", None)]
    assert reasons(found) == {"2.json": "a is there already", "0.json": "a is there already"}
    assert len(found.probes) == 1


def test_what_others_could_have_written_is_not_run(drop_ins: DropInDirectory, tmp_path: Path) -> None:
    drop_ins.write("integrations.d", "good.json", {"name": "good"})
    drop_ins.write("integrations.d", "group.json", {"name": "group"}, mode=0o664)
    drop_ins.write("integrations.d", "world.json", {"name": "world"}, mode=0o646)
    elsewhere = tmp_path / "elsewhere.json"
    elsewhere.write_text('{"name": "link"}')
    (drop_ins.root / "integrations.d" / "link.json").symlink_to(elsewhere)
    found = read_drop_ins([str(drop_ins.root)])
    assert names(found) == ["good"]
    assert reasons(found) == {
        "group.json": "others than its owner may write to it",
        "world.json": "others than its owner may write to it",
        "link.json": "a symbolic link",
    }


@pytest.mark.parametrize("which", ["", "integrations.d"])
@pytest.mark.parametrize("mode", [0o775, 0o757, 0o1777])
def test_in_a_directory_that_others_may_write_to_nothing_is_read(
    drop_ins: DropInDirectory, which: str, mode: int
) -> None:
    drop_ins.integration("a")
    (drop_ins.root / which).chmod(mode)
    found = read_drop_ins([str(drop_ins.root)])
    assert not found.integrations
    assert reasons(found)["integrations.d"] == "others than its owner may write to it"


def test_a_folder_that_is_a_link_or_a_file_is_not_read(drop_ins: DropInDirectory) -> None:
    drop_ins.integration("a")
    (drop_ins.root / "integrations.d").rename(drop_ins.root / "real")
    (drop_ins.root / "integrations.d").symlink_to("real")
    assert "link" in reasons(read_drop_ins([str(drop_ins.root)]))["integrations.d"]
    (drop_ins.root / "integrations.d").unlink()
    (drop_ins.root / "integrations.d").write_text("")
    assert "not a directory" in reasons(read_drop_ins([str(drop_ins.root)]))["integrations.d"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away; CI runs as root")
def test_what_belongs_to_another_user_is_not_run(drop_ins: DropInDirectory, tmp_path: Path) -> None:
    os.chown(drop_ins.integration("a"), 12345, 0)
    found = read_drop_ins([str(drop_ins.root)])
    assert "12345" in reasons(found)["a.json"]
    other = DropInDirectory(tmp_path / "other")
    other.integration("b")
    os.chown(other.root / "integrations.d", 12345, 0)
    found = read_drop_ins([str(drop_ins.root), str(other.root)])
    assert "12345" in reasons(found)["integrations.d"]
    assert not found.integrations


def test_what_is_no_plain_file_holds_nobody_up(drop_ins: DropInDirectory) -> None:
    folder = drop_ins.root / "probes.d"
    os.mkfifo(folder / "fifo.json", 0o644)
    (folder / "directory.json").mkdir(mode=0o755)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "socket.json"))
        (folder / "socket.json").chmod(0o644)
        found = read_drop_ins([str(drop_ins.root)])
    assert reasons(found) == {
        "fifo.json": "not a plain file",
        "directory.json": "not a plain file",
        "socket.json": "No such device or address",
    }


def test_the_size_of_a_file_is_limited(drop_ins: DropInDirectory) -> None:
    body = b'{"name":"a"}'
    drop_ins.write("integrations.d", "a.json", body.ljust(MAX_FILE_BYTES))
    drop_ins.write("integrations.d", "b.json", body.ljust(MAX_FILE_BYTES + 1))
    found = read_drop_ins([str(drop_ins.root)])
    assert names(found) == ["a"]
    assert reasons(found) == {"b.json": "larger than 65536 bytes"}


def test_the_number_of_files_and_of_definitions_is_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dropins, "MAX_DEFINITIONS", MAX_FILES + 10)
    first, second = DropInDirectory(tmp_path / "first"), DropInDirectory(tmp_path / "second")
    for number in range(MAX_FILES + 5):
        first.integration(f"{number:03}")
    for number in range(500, 512):
        second.integration(f"{number}")
    found = read_drop_ins([str(first.root), str(second.root)])
    assert names(found) == [f"{number:03}" for number in range(MAX_FILES)] + [str(number) for number in range(500, 510)]
    assert reasons(found) == {
        "integrations.d": "more than 128 files: the first by name are read",
        "510.json": "there are 138 already",
        "511.json": "there are 138 already",
    }


def test_one_file_that_will_not_do_keeps_no_other_from_being_read(drop_ins: DropInDirectory) -> None:
    drop_ins.integration("a")
    drop_ins.write("integrations.d", "b.json", b"{")
    drop_ins.write("integrations.d", "c.json", ["c"])
    drop_ins.write("integrations.d", "d.json", {"name": "d", "critical": "yes"})
    drop_ins.write("integrations.d", "e.json", {"name": "e", "unheard of": 1, "\x1b[31m": 2})
    found = read_drop_ins([str(drop_ins.root)])
    assert names(found) == ["a", "e"]
    assert reasons(found) == {
        "b.json": "not JSON",
        "c.json": "not an object",
        "d.json": "critical must be true or false",
    }
    (odd,) = (notice for notice in found.notices if not notice.is_skipped)
    assert odd.reason == "unknown keys: \x1b[31m, unheard of"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(st.lists(st.binary(max_size=60) | st.builds(lambda n: json.dumps({"name": n}).encode(), st.text(max_size=5))))
def test_whatever_files_hold_each_is_read_or_has_its_notice(drop_ins: DropInDirectory, contents: list[bytes]) -> None:
    folder = drop_ins.root / "integrations.d"
    for old in folder.iterdir():
        old.unlink()
    for number, content in enumerate(contents):
        drop_ins.write("integrations.d", f"{number}.json", content)
    found = read_drop_ins([str(drop_ins.root)])
    assert len(found.integrations) + len(reasons(found)) == len(contents)
