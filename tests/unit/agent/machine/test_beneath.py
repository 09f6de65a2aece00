import ctypes
import errno
import os
import resource
import stat
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloche.agent.machine.beneath import MAX_DEPTH, MAX_LINKS, Place, Places, open_beneath, parent_of
from cloche.agent.machine.problem import Problem

Outcome = tuple[int, int] | str


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "secret").write_text("secret")
    return root


def place_in(root: Path, path: bytes) -> Place:
    return Places(str(root), "").locate(path)


def outcome(action: Callable[[], int]) -> Outcome:
    """What was opened, by device and inode, or what was said instead."""
    try:
        fd = action()
    except Problem as problem:
        return problem.code
    except OSError as error:
        return errno.errorcode[error.errno or 0]
    try:
        status = os.fstat(fd)
        return status.st_dev, status.st_ino
    finally:
        os.close(fd)


def opened(root: Path, path: bytes, flags: int = os.O_PATH, *, follows: bool = True) -> Outcome:
    return outcome(lambda: open_beneath(place_in(root, path), flags, follows=follows))


def identity(path: Path) -> tuple[int, int]:
    status = path.lstat()
    return status.st_dev, status.st_ino


@contextmanager
def nothing_stays_open() -> Iterator[None]:
    before = os.listdir("/proc/self/fd")
    yield
    assert os.listdir("/proc/self/fd") == before


# --- what a path means ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "shown", "parts", "is_profile"),
    [
        (b"/workspace/a/b", b"/workspace/a/b", (b"a", b"b"), False),
        (b"a//./b/", b"/workspace/a/b", (b"a", b"b"), False),
        (b"/workspace", b"/workspace", (), False),
        (b".", b"/workspace", (), False),
        (b"//workspace/./a", b"/workspace/a", (b"a",), False),
        (b"workspace/a", b"/workspace/workspace/a", (b"workspace", b"a"), False),
        (b"a/../b", b"/workspace/a/../b", (b"a", b"..", b"b"), False),
        (b"/profile/Default/\xff", b"/profile/Default/\xff", (b"Default", b"\xff"), True),
        (b"a\nb", b"/workspace/a\nb", (b"a\nb",), False),
    ],
)
def test_a_path_is_beneath_the_workspace_or_the_profile(
    tmp_path: Path, path: bytes, shown: bytes, parts: tuple[bytes, ...], is_profile: bool
) -> None:
    place = Places(str(tmp_path / "w"), str(tmp_path / "p")).locate(path)
    assert (place.shown, place.parts, place.is_profile) == (shown, parts, is_profile)
    assert place.root == str(tmp_path / ("p" if is_profile else "w"))
    assert place.name == (parts[-1] if parts else b"")


@pytest.mark.parametrize(
    ("path", "code"),
    [
        (b"", "invalid_request"),
        (b"a\0", "invalid_request"),
        (b"a/" * 2049, "name_too_long"),
        (b"/", "not_in_session"),
        (b"/etc/passwd", "not_in_session"),
        (b"/workspaces/a", "not_in_session"),
        (b"/Workspace/a", "not_in_session"),
        (b"/../workspace/a", "not_in_session"),
        (b"/profile/a", "not_in_session"),
    ],
)
def test_any_other_path_is_refused(tmp_path: Path, path: bytes, code: str) -> None:
    with pytest.raises(Problem) as raised:
        Places(str(tmp_path), "").locate(path)
    assert (raised.value.status, raised.value.code) == (400, code)


def test_a_root_may_itself_be_reached_by_a_link(root: Path, tmp_path: Path) -> None:
    (root / "a").touch()
    (tmp_path / "link").symlink_to("root")
    assert opened(tmp_path / "link", b"a") == identity(root / "a")


# --- where it leads ---------------------------------------------------------------------------------------------------


def test_a_link_at_the_end_is_followed_refused_or_opened_itself(root: Path) -> None:
    (root / "file").touch()
    (root / "link").symlink_to("file")
    assert opened(root, b"link", os.O_RDONLY) == identity(root / "file")
    assert opened(root, b"link") == identity(root / "file")
    assert opened(root, b"link", os.O_RDONLY, follows=False) == "ELOOP"
    assert opened(root, b"link", follows=False) == identity(root / "link")


def test_a_link_that_is_absolute_is_refused_even_where_it_leads_back(root: Path) -> None:
    (root / "a").mkdir()
    for number, target in enumerate((str(root / "a"), "/", "/proc/self/root", "/proc/self/cwd", f"/proc/self/fd/{0}")):
        link = root / f"link{number}"
        link.symlink_to(target)
        assert opened(root, link.name.encode()) == "leaves_root"
        assert opened(root, link.name.encode() + b"/x") == "leaves_root"


def test_links_are_followed_so_often_and_no_more(root: Path) -> None:
    (root / "0").touch()
    for number in range(MAX_LINKS + 1):
        (root / f"{number + 1}").symlink_to(f"{number}")
    assert opened(root, b"%d" % MAX_LINKS) == identity(root / "0")
    assert opened(root, b"%d" % (MAX_LINKS + 1)) == "ELOOP"
    (root / "around").symlink_to("around/x")
    assert opened(root, b"around") == opened(root, b"around/y") == "ELOOP"


def test_links_that_multiply_the_way_end_it(root: Path) -> None:
    (root / "d").mkdir()
    (root / "0").symlink_to("/".join(["d/.."] * 500))
    for number in range(30):
        (root / f"{number + 1}").symlink_to("/".join([f"{number}"] * 30))
    assert opened(root, b"30") == "ELOOP"
    assert opened(root, b"/".join([b"0"] * 30)) == "ELOOP"


def test_creating_follows_a_link_beneath_the_root_unless_it_must_be_new(root: Path, tmp_path: Path) -> None:
    (root / "link").symlink_to("made")
    (root / "out").symlink_to("../made")
    create = os.O_WRONLY | os.O_CREAT
    assert opened(root, b"link", create | os.O_EXCL) == "EEXIST"
    assert opened(root, b"link", create, follows=False) == "ELOOP"
    assert opened(root, b"out", create) == "leaves_root"
    assert not (root / "made").exists()
    assert opened(root, b"link", create) == identity(root / "made")
    assert sorted(os.listdir(tmp_path)) == ["root", "secret"]


def test_a_fifo_is_opened_without_waiting_for_its_other_end(root: Path) -> None:
    os.mkfifo(root / "fifo")
    assert opened(root, b"fifo", os.O_RDONLY) == identity(root / "fifo")
    assert opened(root, b"fifo", os.O_WRONLY) == "ENXIO"


def test_a_descriptor_is_not_passed_on_to_programs(root: Path) -> None:
    fd = open_beneath(place_in(root, b"."), os.O_RDONLY)
    try:
        assert not os.get_inheritable(fd)
    finally:
        os.close(fd)


def test_the_depth_is_limited_and_nothing_stays_open(root: Path) -> None:
    path = b"/".join([b"d"] * (MAX_DEPTH + 2))
    with nothing_stays_open():
        with pytest.raises(Problem) as raised, parent_of(place_in(root, path), makes=True):
            raise AssertionError("it went all the way")
        assert raised.value.code == "name_too_long"
        with parent_of(place_in(root, path[: 2 * MAX_DEPTH]), makes=True) as (_, name):
            assert name == b"d"


def test_running_out_of_descriptors_is_told_and_leaves_none_open(root: Path) -> None:
    path = "/".join(["d"] * 60)
    (root / path).mkdir(parents=True)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with nothing_stays_open():
        resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")) + 30, hard))
        try:
            assert opened(root, path.encode()) == "EMFILE"
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_root_that_has_become_a_link_is_not_gone_into(root: Path, tmp_path: Path) -> None:
    place = place_in(root, b"secret")
    root.rmdir()
    root.symlink_to(tmp_path)
    assert outcome(lambda: open_beneath(place, os.O_RDONLY)) == "ENOTDIR"


# --- where its last component stands ----------------------------------------------------------------------------------


def test_the_parent_is_given_and_the_last_component_left_alone(root: Path) -> None:
    (root / "a").mkdir()
    (root / "dir").symlink_to("a")
    (root / "a/link").symlink_to("/etc")
    with parent_of(place_in(root, b"dir/link")) as (fd, name):
        assert os.readlink(name, dir_fd=fd) == b"/etc"
        held = fd
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(held)


@pytest.mark.parametrize(
    ("path", "code"), [(b".", "is_root"), (b"a/..", "invalid_request"), (b"..", "invalid_request")]
)
def test_what_has_no_parent_beneath_the_root_is_refused(root: Path, path: bytes, code: str) -> None:
    with pytest.raises(Problem) as raised, parent_of(place_in(root, path)):
        raise AssertionError("it has none")
    assert (raised.value.status, raised.value.code) == (400, code)


def test_missing_directories_are_made_only_when_asked_for_and_never_outside(root: Path, tmp_path: Path) -> None:
    (root / "out").symlink_to("../made")
    (root / "in").symlink_to("made")
    with pytest.raises(FileNotFoundError), parent_of(place_in(root, b"a/b/c")):
        raise AssertionError("there is none")
    for path in (b"a/b/c", b"in/c"):
        with parent_of(place_in(root, path), makes=True) as (fd, name):
            os.mkdir(name, dir_fd=fd)
    for path in (b"out/c", b"../made/c", b"a/../../made/c"):
        with pytest.raises(Problem, match="leads out"), parent_of(place_in(root, path), makes=True):
            raise AssertionError("it leads out")
    made = (path for path in root.rglob("*") if path.is_dir() and not path.is_symlink())
    assert sorted(str(path.relative_to(root)) for path in made) == ["a", "a/b", "a/b/c", "made", "made/c"]
    assert sorted(os.listdir(tmp_path)) == ["root", "secret"]


# --- compared with the kernel -----------------------------------------------------------------------------------------

_NAMES = st.sampled_from(["a", "b", "c"])
_PARTS = st.lists(_NAMES | st.just(".."), min_size=1, max_size=6)
_TARGETS = st.builds(lambda lead, parts: lead + "/".join(parts), st.sampled_from(["", "", "", "", "/"]), _PARTS)
_TREES = st.dictionaries(
    st.lists(_NAMES, min_size=1, max_size=4).map(tuple),
    st.sampled_from(["directory", "directory", "file"]) | _TARGETS.map(lambda target: f"-> {target}"),
    max_size=14,
)


def plant(root: Path, tree: dict[tuple[str, ...], str]) -> None:
    """Make what can be made of it; an entry below a file, or in the way, is left out."""
    for parts, what in sorted(tree.items()):
        path = root.joinpath(*parts)
        if any(parent.is_symlink() or parent.is_file() for parent in (path, *path.parents) if root in parent.parents):
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        if what == "directory":
            path.mkdir(exist_ok=True)
        elif not path.exists():
            path.touch() if what == "file" else path.symlink_to(what[3:])


def kernels_word(root: Path, path: str, *, follows: bool) -> Outcome:
    """What openat2(2) says with RESOLVE_BENEATH and RESOLVE_NO_MAGICLINKS."""
    root_fd = os.open(root, os.O_PATH)
    try:
        flags = os.O_PATH | os.O_CLOEXEC | (0 if follows else os.O_NOFOLLOW)
        how = struct.pack("QQQ", flags, 0, 0x08 | 0x02)
        libc = ctypes.CDLL(None, use_errno=True)
        fd = libc.syscall(437, root_fd, path.encode(), how, len(how))
        if fd < 0:
            number = ctypes.get_errno()
            if number == errno.ENOSYS:
                pytest.skip("this kernel has no openat2(2), 5.6 is the first: doctor says which kernel is needed")
            return "leaves_root" if number == errno.EXDEV else errno.errorcode[number]
        return outcome(lambda: fd)
    finally:
        os.close(root_fd)


@settings(max_examples=150)
@given(tree=_TREES, paths=st.lists(_PARTS.map("/".join), min_size=1, max_size=5), follows=st.booleans())
def test_every_path_leads_where_the_kernel_says_it_leads_beneath_the_root(
    tree: dict[tuple[str, ...], str], paths: list[str], follows: bool
) -> None:
    with tempfile.TemporaryDirectory() as directory, nothing_stays_open():
        root = Path(directory, "root")
        root.mkdir()
        plant(root, tree)
        for path in paths:
            assert opened(root, path.encode(), follows=follows) == kernels_word(root, path, follows=follows)


# --- while somebody swaps what is looked at ---------------------------------------------------------------------------

SWAPPER = """
import ctypes, os, sys
root, parent = sys.argv[1], int(sys.argv[2])
os.chdir(root)
libc, here, exchange = ctypes.CDLL(None, use_errno=True), -100, 2
def swap(left, right):
    if libc.renameat2(here, left, here, right, exchange):
        raise OSError(ctypes.get_errno(), "renameat2")
print("ready", flush=True)
while os.getppid() == parent:
    # `d` and `f` are by turns a directory, a file, and links out; `deep/er/est` is elsewhere by turns.
    swap(b"d", b"link_d")
    swap(b"f", b"link_f")
    os.rename("deep/er/est", "est"); os.rename("est", "deep/er/est")
"""


@contextmanager
def swapping(root: Path) -> Iterator[None]:
    argv = [sys.executable, "-S", "-E", "-c", SWAPPER, str(root), str(os.getpid())]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as swapper:
        assert swapper.stdout is not None
        assert swapper.stdout.readline() == b"ready\n"
        try:
            yield
            assert swapper.poll() is None, "the swapping ended early"
        finally:
            swapper.kill()


def read(root: Path, path: bytes) -> str:
    try:
        fd = open_beneath(place_in(root, path), os.O_RDONLY)
    except (Problem, OSError) as error:
        return error.code if isinstance(error, Problem) else errno.errorcode[error.errno or 0]
    try:
        return os.read(fd, 100).decode() if stat.S_ISREG(os.fstat(fd).st_mode) else "directory"
    finally:
        os.close(fd)


def write(root: Path, path: bytes) -> str:
    try:
        with parent_of(place_in(root, path), makes=True) as (fd, name):
            os.close(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, dir_fd=fd))
            os.unlink(name, dir_fd=fd)
    except (Problem, OSError) as error:
        return error.code if isinstance(error, Problem) else errno.errorcode[error.errno or 0]
    return "written"


@pytest.mark.parametrize(
    ("action", "path", "wanted"),
    [
        (read, b"d/secret", {"mine", "leaves_root"}),
        (read, b"f", {"mine", "leaves_root"}),
        (read, b"deep/er/est/../../../secret", {"ENOENT"}),
        (read, b"deep/er/est/../../../../secret", {"leaves_root"}),
        (write, b"d/new", {"written", "leaves_root"}),
        (write, b"d/made/new", {"written", "leaves_root"}),
    ],
)
def test_whoever_swaps_directories_and_links_meanwhile_is_never_led_out(
    root: Path, tmp_path: Path, action: Callable[[Path, bytes], str], path: bytes, wanted: set[str]
) -> None:
    (root / "d").mkdir()
    (root / "d/secret").write_text("mine")
    (root / "f").write_text("mine")
    (root / "link_d").symlink_to("..")
    (root / "link_f").symlink_to("../secret")
    (root / "deep/er/est").mkdir(parents=True)
    seen: dict[str, int] = {}
    until = time.monotonic() + 5.0
    with nothing_stays_open(), swapping(root):
        while (not wanted <= set(seen) or sum(seen.values()) < 500) and time.monotonic() < until:
            said = action(root, path)
            seen[said] = seen.get(said, 0) + 1
    # Seen too: that there is nothing just now, or that it was a link when opened and none when it was looked at.
    assert wanted <= set(seen) <= wanted | {"ENOENT", "ELOOP", "ENOTDIR"}, seen
    assert sorted(os.listdir(tmp_path)) == ["root", "secret"]
    assert (tmp_path / "secret").read_text() == "secret"
