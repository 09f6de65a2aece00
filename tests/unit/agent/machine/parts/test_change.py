import errno
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.agent.log import Log
from cloche.agent.loop import Loop
from cloche.agent.machine.beneath import Places
from cloche.agent.machine.parts.change import Change
from cloche.agent.machine.parts.wish import Start, Wish

NOTHING = Wish(None, None, None, None, False, Start())


class Scene:
    """A profile, a workspace with another one, and a place for policies."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.profile = directory / "profile"
        self.carried = directory / "workspace" / "carried"
        self.policy = directory / "policies" / "cloche.json"
        for place, note in ((self.profile, "mine"), (self.carried, "theirs")):
            place.mkdir(parents=True)
            (place / "note").write_text(note)
        self.place = Places(str(directory / "workspace"), str(self.profile)).locate(b"carried")

    def run(self, act: Callable[[Change], None]) -> None:
        """Run what the change starts to its end as well."""
        failures: list[str] = []
        loop = Loop(lambda name, error: failures.append(f"{name}: {error!r}"))
        change = Change(loop, Log("error"), user_data_dir=str(self.profile), policies_dir=str(self.policy.parent))

        async def main() -> None:
            act(change)
            while loop.task_count > 1:
                await loop.sleep(0)

        loop.run(main())
        assert not failures

    def picture(self) -> dict[str, str]:
        """Every file, by its path, and its text."""
        files = (path for path in self.directory.rglob("*") if path.is_file())
        return {str(path.relative_to(self.directory)): path.read_text() for path in files}


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def applied(wish: Wish) -> Callable[[Change], None]:
    def act(change: Change) -> None:
        change.apply(wish)
        change.keep()

    return act


def test_another_profile_takes_the_place_and_the_old_one_is_removed(scene: Scene) -> None:
    scene.run(applied(NOTHING._replace(profile=scene.place)))
    assert scene.picture() == {"profile/note": "theirs"}
    assert sorted(path.name for path in scene.directory.iterdir()) == ["profile", "workspace"]


def test_a_fresh_profile_is_empty_and_its_owners_alone(scene: Scene) -> None:
    scene.run(applied(NOTHING._replace(is_fresh=True)))
    assert list(scene.profile.iterdir()) == []
    assert scene.profile.stat().st_mode & 0o777 == 0o700


def test_policies_are_written_and_taken_away_whole(scene: Scene) -> None:
    scene.run(applied(NOTHING._replace(policies=b'{"A": 1}')))
    assert scene.policy.read_bytes() == b'{"A": 1}'
    scene.run(applied(NOTHING))
    assert scene.policy.read_bytes() == b'{"A": 1}'
    scene.run(applied(NOTHING._replace(policies=b"")))
    assert list(scene.policy.parent.iterdir()) == []


@given(st.booleans(), st.sampled_from([None, b"", b'{"A": 1}']), st.sampled_from([None, "fresh", "carried"]))
def test_what_is_undone_is_as_it_was(had_policies: bool, policies: bytes | None, profile: str | None) -> None:
    with tempfile.TemporaryDirectory() as directory:
        scene = Scene(Path(directory))
        if had_policies:
            scene.run(applied(NOTHING._replace(policies=b'{"before": 1}')))
        before = scene.picture()
        place = scene.place if profile == "carried" else None
        wish = NOTHING._replace(policies=policies, is_fresh=profile == "fresh", profile=place)

        def act(change: Change) -> None:
            change.apply(wish)
            assert change.undo()
            change.keep()

        scene.run(act)
        assert scene.picture() == before
        assert {path.name for path in scene.directory.iterdir()} <= {"profile", "workspace", "policies"}


def test_what_was_applied_before_something_failed_is_undone_too(scene: Scene) -> None:
    def act(change: Change) -> None:
        scene.carried.rename(scene.carried.with_name("gone"))
        with pytest.raises(FileNotFoundError):
            change.apply(NOTHING._replace(policies=b"{}", profile=scene.place))
        assert not scene.profile.exists()
        assert change.undo()

    scene.run(act)
    assert scene.picture() == {"profile/note": "mine", "workspace/gone/note": "theirs"}


def test_a_link_that_somebody_put_there_meanwhile_is_moved_out_again(scene: Scene) -> None:
    def act(change: Change) -> None:
        scene.carried.rename(scene.carried.with_name("real"))
        scene.carried.symlink_to("real")
        with pytest.raises(NotADirectoryError):
            change.apply(NOTHING._replace(profile=scene.place))
        assert change.undo()

    scene.run(act)
    assert scene.carried.is_symlink()
    assert (scene.profile / "note").read_text() == "mine"


def test_a_profile_whose_name_is_taken_meanwhile_is_put_beside_it(scene: Scene) -> None:
    def act(change: Change) -> None:
        change.apply(NOTHING._replace(profile=scene.place))
        scene.carried.mkdir()
        (scene.carried / "note").write_text("somebody's")
        assert change.undo()

    scene.run(act)
    assert sorted(scene.picture().values()) == ["mine", "somebody's", "theirs"]
    assert (scene.profile / "note").read_text() == "mine"


def test_what_cannot_be_undone_is_told_and_the_rest_is_undone(scene: Scene) -> None:
    def act(change: Change) -> None:
        change.apply(NOTHING._replace(policies=b'{"A": 1}', profile=scene.place))
        os.rename(scene.directory / "workspace", scene.directory / "elsewhere")
        assert not change.undo()

    scene.run(act)
    assert not scene.policy.exists()
    assert (scene.profile / "note").read_text() == "mine"


def test_policies_are_taken_back_on_a_disk_that_is_full_by_then(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.run(applied(NOTHING._replace(policies=b'{"before": 1}')))
    before = scene.picture()

    def no_room(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def act(change: Change) -> None:
        change.apply(NOTHING._replace(policies=b'{"after": 1}'))
        assert [path.name for path in scene.policy.parent.iterdir()] == [scene.policy.name]  # Chromium reads them all
        monkeypatch.setattr(os, "write", no_room)
        assert change.undo()

    scene.run(act)
    assert scene.picture() == before


def test_policies_that_cannot_be_put_in_place_leave_nothing_that_chromium_would_read(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    def act(change: Change) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(os, "rename", refused)
            with pytest.raises(PermissionError):
                change.apply(NOTHING._replace(policies=b"{}"))
        assert change.undo()

    scene.run(act)
    assert list(scene.policy.parent.iterdir()) == []


@pytest.mark.parametrize("somebody", ["removes", "fills"])
def test_the_profile_comes_back_whatever_somebody_does_to_the_one_in_its_place(scene: Scene, somebody: str) -> None:
    def act(change: Change) -> None:
        change.apply(NOTHING._replace(is_fresh=True))
        scene.profile.rmdir()
        if somebody == "fills":
            change._undo.pop()  # as where the directory could not be made
            (scene.profile / "full").mkdir(parents=True)
        assert change.undo()

    scene.run(act)
    assert (scene.profile / "note").read_text() == "mine"


def test_without_a_profile_yet_there_is_nothing_to_put_aside(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.profile.rename(scene.directory / "away")
    scene.run(applied(NOTHING._replace(profile=scene.place)))
    assert (scene.profile / "note").read_text() == "theirs"
