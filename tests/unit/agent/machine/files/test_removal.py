import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloche.agent.loop import Loop
from cloche.agent.machine.files import removal
from cloche.agent.machine.files.removal import MAX_HELD, remove_directory


def remove(parent: Path, name: bytes) -> None:
    """Run it to its end; raise what it raises."""
    failures: list[BaseException] = []
    loop = Loop(lambda _, error: failures.append(error))
    parent_fd = os.open(parent, os.O_PATH)
    try:
        loop.run(remove_directory(loop, parent_fd, name))
    finally:
        os.close(parent_fd)


def make_deep(top: Path, depth: int) -> None:
    fd = os.open(top, os.O_RDONLY)
    for number in range(depth):
        os.mkdir("d", dir_fd=fd)
        if number % 100 == 0:
            os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=fd))
        below = os.open("d", os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = below
    os.close(fd)


@settings(max_examples=30)
@given(st.lists(st.lists(st.sampled_from("abc"), min_size=1, max_size=6).map("/".join), max_size=30), st.integers(2, 4))
def test_nothing_is_left_of_any_tree(tmp_path_factory: pytest.TempPathFactory, paths: list[str], held: int) -> None:
    parent = tmp_path_factory.mktemp("tree")
    (parent / "top").mkdir()
    (parent / "beside").touch()
    for path in paths:
        (parent / "top" / path).mkdir(parents=True, exist_ok=True)
        (parent / "top" / path / f"link{len(os.listdir(parent / 'top' / path))}").symlink_to(parent)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(removal, "MAX_HELD", held)
        patch.setattr(removal, "_BATCH", 2)
        remove(parent, b"top")
    assert os.listdir(parent) == ["beside"]


def test_a_deep_tree_is_removed_with_few_descriptors(tmp_path: Path) -> None:
    (tmp_path / "top").mkdir()
    make_deep(tmp_path / "top", 12 * MAX_HELD)
    opened: list[int] = []
    real_open = os.open

    def counted(*args: object, **kwargs: object) -> int:
        opened.append(len(os.listdir("/proc/self/fd")))
        return real_open(*args, **kwargs)  # type: ignore[arg-type]

    before = len(os.listdir("/proc/self/fd"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "open", counted)
        remove(tmp_path, b"top")
    assert os.listdir(tmp_path) == []
    assert max(opened) <= before + MAX_HELD + 3


def test_thousands_of_entries_are_removed_while_others_have_their_turns(tmp_path: Path) -> None:
    (tmp_path / "top/inner").mkdir(parents=True)
    for number in range(2000):
        (tmp_path / f"top/inner/{number}").touch()
    turns = 0

    async def count() -> None:
        nonlocal turns
        while (tmp_path / "top").exists():
            turns += 1
            await loop.sleep(0)

    async def main() -> None:
        counting = loop.spawn(count(), "count")
        await remove_directory(loop, parent_fd, b"top")
        await counting.done.wait()

    failures: list[BaseException] = []
    loop = Loop(lambda _, error: failures.append(error))
    parent_fd = os.open(tmp_path, os.O_PATH)
    loop.run(main())
    os.close(parent_fd)
    assert turns >= 2000 // 300
    assert not failures


@pytest.mark.parametrize(
    ("name", "kind"), [(b"file", NotADirectoryError), (b"link", NotADirectoryError), (b"x", FileNotFoundError)]
)
def test_only_a_directory_is_removed(tmp_path: Path, name: bytes, kind: type[OSError]) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    with pytest.raises(kind):
        remove(tmp_path, name)
    assert sorted(os.listdir(tmp_path)) == ["file", "link", "real"]


SWAPPER = """
import os, sys
os.chdir(sys.argv[1])
print("ready", flush=True)
number = 0
while os.path.isdir("top/d") and os.getppid() == int(sys.argv[2]):
    try:
        os.rename("top/d", "kept"); os.symlink("../outside", "top/d"); os.unlink("top/d"); os.rename("kept", "top/d")
        os.close(os.open(f"top/d/{number}", os.O_CREAT | os.O_WRONLY))
    except OSError:
        pass
    number += 1
"""


def test_whoever_swaps_directories_for_links_meanwhile_has_nothing_outside_removed(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/canary").touch()
    for _ in range(10):
        (tmp_path / "top/d").mkdir(parents=True)
        for number in range(300):
            (tmp_path / f"top/d/{number}").touch()
        argv = [sys.executable, "-S", "-E", "-c", SWAPPER, str(tmp_path), str(os.getpid())]
        with subprocess.Popen(argv, stdout=subprocess.PIPE) as swapper:
            assert swapper.stdout is not None
            swapper.stdout.readline()
            try:
                remove(tmp_path, b"top")
            finally:
                swapper.kill()
        assert os.listdir(tmp_path / "outside") == ["canary"]
        for left in ("kept", "top"):
            if (tmp_path / left).exists():
                remove(tmp_path, left.encode())
