"""All or nothing: what an upload leaves when it succeeds, and that it leaves nothing when any step of it fails."""

import errno
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloche.agent.machine.archives import placing
from cloche.agent.machine.archives.staging import Staging
from cloche.testing.tmpfs import filled, tmpfs

from .conftest import Session, content, entry, tar_of, write_tree, zip_of

NAMES = st.sampled_from([b"a", b"b", b"c"])
FILES = st.tuples(st.just("file"), st.binary(max_size=20), st.just(0o644), st.just(1_700_000_000))
LINKS = st.tuples(st.just("link"), NAMES)
# Few names, so that what is there and what comes meet often.
TREES = st.recursive(
    st.dictionaries(NAMES, FILES | LINKS), lambda below: st.dictionaries(NAMES, below | FILES | LINKS), max_leaves=8
)

STEPS = ("rename", "link", "mkdir", "symlink", "write", "fchmod", "utime", "open", "chmod")


class Faults:
    """Makes the nth of the system calls that change something fail, once."""

    def __init__(self, nth: int, code: int) -> None:
        self.left, self.code = nth, code
        self.is_on = True
        self.needs_space = (os.mkdir, os.link, os.symlink, os.write)

    def of(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            if self.is_on and not isinstance(args[0], str):  # by its whole path only the staging directory is named
                self.left -= 1
                # What needs space finds none from then on, when all is to be put back, either.
                if self.left == 0 or (self.left < 0 and real in self.needs_space):
                    raise OSError(self.code, os.strerror(self.code))
            return real(*args, **kwargs)

        return call


@contextmanager
def faults(nth: int, code: int = errno.ENOSPC) -> Iterator[Faults]:
    """Until it comes to clearing away, which is another matter."""
    found = Faults(nth, code)
    real_remove = Staging.remove

    async def remove(*args: Any) -> None:
        found.is_on = False
        await real_remove(*args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Staging, "remove", remove)
        for name in STEPS:
            patch.setattr(os, name, found.of(getattr(os, name)))
        yield found


def merged(old: dict[bytes, Any], new: dict[bytes, Any]) -> dict[bytes, Any] | None:
    """What is to come of it; None if something is in the way."""
    result = dict(old)
    for name, item in new.items():
        if name in old and isinstance(item, dict) != isinstance(old[name], dict):
            return None
        if name in old and isinstance(item, dict):
            below = merged(old[name], item)
            if below is None:
                return None
            result[name] = below
        else:
            result[name] = item
    return result


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(old=TREES, new=TREES, kind=st.sampled_from(["zip", "tar"]), replace=st.booleans())
def test_what_is_there_and_what_comes_are_merged_or_exchanged(
    session: Session, old: dict[bytes, Any], new: dict[bytes, Any], kind: str, replace: bool
) -> None:
    with tempfile.TemporaryDirectory(dir=session.workspace) as directory:
        base, name = Path(directory), os.path.basename(directory).encode()
        for tree, where in ((old, "old"), (new, "new")):
            write_tree(os.fsencode(base / where), tree)
        archive = session.download(kind, name + b"/new").body
        expected = new if replace else merged(old, new)
        before = content(base / "old", times=False)
        reply = session.upload_archive(kind, archive, name + b"/old", replace=replace)
        after = content(base / "old", times=False)
        if expected is None:
            assert (reply.refusal, after) == ("409 in_the_way", before)
        else:
            write_tree(os.fsencode(base / "expected"), expected)
            assert (reply.status, after) == (201, content(base / "expected", times=False))


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    old=TREES,
    new=TREES,
    kind=st.sampled_from(["zip", "tar"]),
    options=st.fixed_dictionaries({"replace": st.booleans(), "strip_components": st.integers(0, 1)}),
    nth=st.integers(1, 60),
    is_below=st.booleans(),
)
def test_whichever_step_fails_the_destination_is_as_it_was(
    session: Session,
    old: dict[bytes, Any],
    new: dict[bytes, Any],
    kind: str,
    options: dict[str, Any],
    nth: int,
    is_below: bool,
) -> None:
    with tempfile.TemporaryDirectory(dir=session.workspace) as directory:
        base, name = Path(directory), os.path.basename(directory).encode()
        for tree, where in ((old, "old"), (new, "new")):
            write_tree(os.fsencode(base / where), tree)
        archive = session.download(kind, name + b"/new").body
        before = content(base, times=False)
        with faults(nth) as found:
            reply = session.upload_archive(kind, archive, name + (b"/missing/deep" if is_below else b"/old"), **options)
        if found.left > 0 or reply.status == 201:
            return  # it came to its end, or something was in the way, before the nth call
        assert content(base, times=False) == before


def test_every_single_step_of_a_merge_can_fail_without_a_trace(session: Session) -> None:
    for name in ("d/sub", "d/other"):
        (session.workspace / name).mkdir(parents=True)
    for name in ("d/kept", "d/replaced", "d/sub/replaced", "d/sub/kept"):
        (session.workspace / name).write_text("old")
    os.symlink("kept", session.workspace / "d/link")
    archive = tar_of(
        entry("top/replaced", b"new"), entry("top/sub/replaced", b"new"), entry("top/sub/new", b"new"),
        entry("top/fresh/deep/file", b"new"), entry("top/link", b"no link"),
    )  # fmt: skip
    before = content(session.workspace, times=False)
    for options in ({"strip_components": 1}, {"strip_components": 1, "replace": True}):
        nth = 0
        while True:
            nth += 1
            with faults(nth) as found:
                reply = session.upload_archive("tar", archive, **options)
            if found.left > 0:
                assert reply.status == 201
                break
            assert reply.refusal == "507 storage_full"
            assert content(session.workspace, times=False) == before
        assert nth > 30
        assert (session.workspace / "d/fresh/deep/file").read_text() == "new"
        assert (session.workspace / "d/kept").exists() == ("replace" not in options)
        assert session.upload_archive("tar", tar_of(), b".", replace=True).status == 201
        for path, item in sorted(before.items()):
            full = os.fsencode(session.workspace) + b"/" + path
            if item[0] == "directory":
                os.mkdir(full)
            elif item[0] == "link":
                os.symlink(item[1], full)
            else:
                Path(os.fsdecode(full)).write_bytes(item[1])


def test_every_single_step_of_replacing_what_a_root_holds_can_fail_without_a_trace(session: Session) -> None:
    for name in ("a/b", "c"):
        (session.profile / name).mkdir(parents=True)
    (session.profile / "a/file").write_text("old")
    os.symlink("a", session.profile / "link")
    before = content(session.profile, times=False)
    archive = zip_of(("a/file", b"new"), ("d/e", b"new"), ("f", b"new"))
    nth = 0
    while True:
        nth += 1
        with faults(nth) as found:
            reply = session.upload_archive("zip", archive, b"/profile", replace=True)
        if found.left > 0:
            break
        assert reply.refusal == "507 storage_full"
        assert content(session.profile, times=False) == before
    assert reply.status == 201
    assert sorted(content(session.profile)) == [b"a", b"a/file", b"d", b"d/e", b"f"]


@pytest.mark.parametrize("options", [{}, {"replace": True}])
def test_no_browser_is_started_while_what_came_takes_its_place_in_the_profile(
    session: Session, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any]
) -> None:
    for nth in range(300):
        (session.profile / f"{nth:03}").write_text("old")
    real = os.rename
    held = []

    def rename(*args: Any, **kwargs: Any) -> None:
        held.append(session.browser.is_held)
        real(*args, **kwargs)

    monkeypatch.setattr(placing.os, "rename", rename)
    archive = tar_of(*(entry(f"{nth:03}", b"new") for nth in range(300)))
    assert session.upload_archive("tar", archive, b"/profile", **options).status == 201
    assert len(held) >= 300
    assert all(held)
    assert not session.browser.is_held
    assert session.upload_archive("tar", archive, b"elsewhere").status == 201
    assert not held[-1]


def test_what_cannot_be_put_back_is_told(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    (session.workspace / "d").mkdir()
    real = os.rename

    def rename(source: bytes, *args: Any, **kwargs: Any) -> None:
        if calls.append(source) or len(calls) > 1:
            raise OSError(errno.EIO, "no more")
        real(source, *args, **kwargs)

    calls: list[bytes] = []
    monkeypatch.setattr(placing.os, "rename", rename)
    assert session.upload_archive("tar", tar_of(entry("a", b"x"), entry("b", b"x"))).refusal == "500 not_undone"
    assert b"upload not undone" in session.logged


def test_a_full_workspace_is_told_and_left_as_it_was(tmp_path: Path) -> None:
    with tmpfs("size=1m,nr_inodes=200") as disk:
        session = Session(disk)
        for directory in (session.workspace, session.profile, session.staging):
            directory.mkdir()
        (session.workspace / "a").write_text("old")
        big = os.urandom(700_000)
        with filled(disk, leave_bytes=300_000):
            for kind, archive in (("tar", tar_of(entry("a", big))), ("zip", zip_of(("a", big)))):
                assert session.upload_archive(kind, archive, b".").refusal == "507 storage_full"
            assert session.upload_files({b"a": big}).refusal == "507 storage_full"
            # Told before anything is unpacked, from what the archive says of itself.
            assert session.upload_archive("zip", zip_of(("a", bytes(700_000))), b".").refusal == "507 storage_full"
        many = tar_of(*(entry(f"{nth}", b"x") for nth in range(300)))
        assert session.upload_archive("tar", many, b".").refusal == "507 storage_full"
        assert content(session.workspace, times=False) == {b"a": ("file", b"old", 0o644)}
        assert not list(session.staging.iterdir())


def test_a_directory_that_is_replaced_may_be_deeper_than_any_path(session: Session) -> None:
    fd = os.open(session.workspace, os.O_RDONLY)
    for name in ["d"] + ["deep" * 10] * 300:
        os.mkdir(name, dir_fd=fd)
        below = os.open(name, os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = below
    os.close(fd)
    assert session.upload_archive("tar", tar_of(entry("a", b"x")), replace=True).status == 201
    assert os.listdir(session.workspace / "d") == ["a"]


def test_a_directory_is_exchanged_only_for_a_directory(session: Session) -> None:
    (session.workspace / "file").write_text("old")
    (session.workspace / "real").mkdir()
    os.symlink("real", session.workspace / "link")
    archive = tar_of(entry("a", b"x"))
    for dest in (b"file", b"link", b"file/below"):
        for replace in (True, False):
            reply = session.upload_archive("tar", archive, dest, replace=replace)
            if dest == b"link" and not replace:
                # The way to the destination is the caller's: a link on it is followed, beneath the root.
                assert (session.workspace / "real/a").read_text() == "x"
            else:
                assert reply.refusal == "409 in_the_way"


def test_where_no_second_name_can_be_given_to_a_file_it_is_moved_aside(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    (session.workspace / "a").write_text("old")
    (session.workspace / "b").mkdir()

    def refuse(*_args: Any, **_kwargs: Any) -> None:
        raise PermissionError(errno.EPERM, "no hard links here")

    monkeypatch.setattr(placing.os, "link", refuse)
    assert session.upload_files({b"a": b"new", b"b": b"x"}).refusal == "409 in_the_way"
    assert (session.workspace / "a").read_text() == "old"
