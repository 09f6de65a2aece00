"""Directories made, and things moved and removed."""

import os
from collections.abc import Callable
from typing import Final

from cloche.agent.loop import Loop
from cloche.agent.machine.beneath import Place, open_beneath, parent_of
from cloche.agent.machine.files.removal import remove_directory
from cloche.agent.machine.problem import Problem

_OPEN: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


def make_directory(place: Place, mode: int) -> bool:
    """Make a directory, with those that are missing on the way; return whether it had to be made.

    One that is there stays as it is. Raises: Problem 409 where something else is there; OSError.
    """
    if not place.parts:
        return False
    with parent_of(place, makes=True) as (parent_fd, name):
        try:
            os.mkdir(name, 0o700, dir_fd=parent_fd)
        except FileExistsError:
            _require_directory(place)
            return False
        fd = os.open(name, _OPEN, dir_fd=parent_fd)
        try:
            os.fchmod(fd, mode)  # not with mkdir(2): a mode without `r` could not be opened, and there is the umask
        finally:
            os.close(fd)
    return True


def _require_directory(place: Place) -> None:
    try:
        os.close(open_beneath(place, os.O_PATH | os.O_DIRECTORY))
    except (NotADirectoryError, FileNotFoundError):  # a file, or a link that leads nowhere
        raise Problem(409, "exists", "something that is no directory has this name") from None


def delete_file(place: Place) -> None:
    """Remove a file, or a link itself. Raises: Problem; IsADirectoryError and other OSErrors."""
    with parent_of(place) as (parent_fd, name):
        os.unlink(name, dir_fd=parent_fd)


async def delete_directory(loop: Loop, place: Place, check: Callable[[], object]) -> None:
    """Remove a directory with all that is below it. `check`: see `remove_directory`. Raises: Problem; OSError."""
    with parent_of(place) as (parent_fd, name):
        directory_fd = os.dup(parent_fd)  # the walk's own are not held for as long as this takes
    try:
        await remove_directory(loop, directory_fd, name, check)
    finally:
        os.close(directory_fd)


def move(source: Place, destination: Place) -> None:
    """Rename, as rename(2) does: a file, or an empty directory, that is there gives way. Raises: Problem; OSError."""
    with parent_of(source) as (from_fd, name), parent_of(destination) as (to_fd, to_name):
        os.rename(name, to_name, src_dir_fd=from_fd, dst_dir_fd=to_fd)
