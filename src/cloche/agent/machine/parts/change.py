"""What a restart puts in place while no browser runs, and takes back if the next one does not come up.

Renames and one small file: nothing is copied, so it takes no time, and what is undone is as it was. The profile that
was replaced is kept beside the new one until the next browser is ready; so are the policies, for taking them back must
need no room on a disk that may be full by then.
"""

import os
from collections.abc import Callable
from contextlib import suppress

from cloche.agent.log import Log
from cloche.agent.loop import Loop
from cloche.agent.machine.beneath import Place, parent_of
from cloche.agent.machine.files.removal import remove_directory
from cloche.agent.machine.parts.wish import Wish
from cloche.agent.machine.problem import Problem

POLICY_FILE = "cloche.json"


class Change:
    """For one restart: `apply`, then `undo` or `keep`."""

    def __init__(self, loop: Loop, log: Log, *, user_data_dir: str, policies_dir: str) -> None:
        self._loop, self._log = loop, log
        self._profile, self._policies_dir = user_data_dir, policies_dir
        self._policy_file = f"{policies_dir}/{POLICY_FILE}"
        self._undo: list[Callable[[], None]] = []
        self._replaced = self._replaced_policies = ""

    def apply(self, wish: Wish) -> None:
        """Raises: OSError, Problem: what was applied before it is still to be undone."""
        if wish.policies is not None:
            self._set_policies(wish.policies)
        if wish.changes_profile:
            self._put_aside()
        if wish.profile is not None:
            self._move_in(wish.profile)
        elif wish.is_fresh:
            os.mkdir(self._profile, 0o700)
            self._undo.append(self._discard)

    def undo(self) -> bool:
        """Take back what was applied, the last first; return whether all of it could be. Never raises."""
        is_whole = True
        while self._undo:
            try:
                self._undo.pop()()
            except (OSError, Problem) as error:
                self._log.error("not undone", error=str(error))
                is_whole = False
        return is_whole

    def keep(self) -> None:
        """It is for good: remove what was replaced, in a task of its own."""
        self._undo.clear()
        if self._replaced_policies:
            with suppress(OSError):
                os.unlink(self._replaced_policies)
            self._replaced_policies = ""
        if self._replaced:
            self._loop.spawn(self._remove(self._replaced), "old profile")
            self._replaced = ""

    # --- policies -----------------------------------------------------------------------------------------------

    def _set_policies(self, data: bytes) -> None:
        fresh = ""
        if data:
            fresh = self._write_policies(data)
            self._undo.append(lambda: _unlink(fresh))
        # Not in the directory itself: Chromium reads every file in it.
        aside = f"{self._policies_dir}.{os.urandom(8).hex()}"
        with suppress(FileNotFoundError):  # there were none yet
            os.rename(self._policy_file, aside)
            self._replaced_policies = aside
        self._undo.append(self._put_policies_back)
        if fresh:
            os.rename(fresh, self._policy_file)

    def _put_policies_back(self) -> None:
        if self._replaced_policies:
            os.rename(self._replaced_policies, self._policy_file)
            self._replaced_policies = ""
        else:
            _unlink(self._policy_file)

    def _write_policies(self, data: bytes) -> str:
        """Write them under another name, and return that."""
        os.makedirs(self._policies_dir, exist_ok=True)
        fresh = f"{self._policy_file}.{os.urandom(8).hex()}~"
        fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
        try:
            try:
                view = memoryview(data)
                while view:
                    view = view[os.write(fd, view) :]
            finally:
                os.close(fd)
        except OSError:
            _unlink(fresh)
            raise
        return fresh

    # --- profile ------------------------------------------------------------------------------------------------

    def _put_aside(self) -> None:
        aside = f"{self._profile}.{os.urandom(8).hex()}"
        try:
            os.rename(self._profile, aside)
        except FileNotFoundError:
            return  # there was none yet
        self._replaced = aside
        self._undo.append(self._put_back)

    def _put_back(self) -> None:
        with suppress(FileNotFoundError):  # what somebody has put there meanwhile is not what the browser had
            os.rename(self._profile, f"{self._profile}.{os.urandom(8).hex()}")
        os.rename(self._replaced, self._profile)
        self._replaced = ""

    def _move_in(self, place: Place) -> None:
        with parent_of(place) as (parent, name):
            os.rename(name, self._profile, src_dir_fd=parent)
        self._undo.append(lambda: self._move_out(place))
        if os.path.islink(self._profile) or not os.path.isdir(self._profile):
            raise NotADirectoryError("somebody has put something else in the profile's place")

    def _move_out(self, place: Place) -> None:
        """Back to where it came from; beside it where that name is taken by now. In no case may it stay."""
        try:
            with parent_of(place) as (parent, name):
                try:
                    os.rename(self._profile, name, dst_dir_fd=parent)
                except OSError:
                    os.rename(self._profile, name + b"." + os.urandom(8).hex().encode(), dst_dir_fd=parent)
        except (OSError, Problem):
            os.rename(self._profile, f"{self._profile}.{os.urandom(8).hex()}")
            raise

    def _discard(self) -> None:
        """Make room where a fresh profile was."""
        aside = f"{self._profile}.{os.urandom(8).hex()}"
        try:
            os.rename(self._profile, aside)
        except FileNotFoundError:
            return  # somebody has removed it
        self._loop.spawn(self._remove(aside), "fresh profile")

    async def _remove(self, path: str) -> None:
        parent = os.open(os.path.dirname(path), os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            await remove_directory(self._loop, parent, os.fsencode(os.path.basename(path)))
        except OSError as error:
            self._log.warn("a profile could not be removed", error=str(error))
        finally:
            os.close(parent)


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        return  # as it should be
