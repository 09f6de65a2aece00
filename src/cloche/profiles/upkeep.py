"""What is done to all profiles at once: their data keys wrapped anew, and files removed that nobody knows of."""

from functools import partial
from pathlib import Path
from typing import Final

import structlog
from sqlalchemy.exc import SQLAlchemyError

from cloche.concurrency.threads import in_thread
from cloche.ids import ProfileId
from cloche.profiles import blobs, rows
from cloche.profiles.revisions import Revisions
from cloche.profiles.sealing import key_context
from cloche.storage.database import Database
from cloche.vault.keys import Keyring, UnknownKeyError, WrongKeyError

BATCH: Final = 100

_log = structlog.get_logger(__name__)


async def rekey(database: Database, keyring: Keyring) -> tuple[int, int]:
    """Wrap every data key under the first key of `keyring`; returns how many were, and how many cannot be opened.

    Nobody has to wait for it: what profiles are sealed with stays as it is, and batches are short.
    """
    rewrapped, unreadable, after = 0, 0, ""
    while True:
        async with database.begin() as connection:
            await rows.overwrite_what_goes(connection)
            batch = await rows.keys_under_others(connection, keyring.key_id, after, BATCH)
            for profile_id, owner, wrapped in batch:
                context = key_context(profile_id, owner)
                try:
                    fresh = keyring.wrap(keyring.unwrap(wrapped, context), context)
                except (UnknownKeyError, WrongKeyError):
                    unreadable += 1
                    continue
                rewrapped += await rows.replace_key(connection, profile_id, wrapped, keyring.key_id, fresh)
        if not batch:
            return rewrapped, unreadable
        after = batch[-1][0]


async def empty_wal(database: Database) -> None:
    """See to it that what was overwritten in the file is not in its log any more."""
    try:
        async with database.begin() as connection:  # with no other writer of this process beside it
            done = await rows.empty_wal(connection)
    except SQLAlchemyError as error:  # no room on the disk, say: what was deleted is deleted, and its files must go too
        _log.warning("wal_not_emptied", detail=str(getattr(error, "orig", None))[:300])
        return
    if not done:
        _log.warning("wal_not_emptied", detail="a reader held it; it is emptied with the next profile that goes")


async def collect_garbage(revisions: Revisions) -> int:
    """Remove files that no revision has and no save is writing; returns how many."""
    # First the files, then what is underway, then the rows: a save that ends meanwhile is seen in one of the two.
    found = await in_thread(partial(blobs.listing, revisions.root))
    underway = frozenset(revisions.underway)
    removed = 0
    for profile_id, files in found.items():
        async with revisions.database.read() as connection:
            known = await rows.every_blob(connection, profile_id)
        needed = {blob + blobs.SEALED for blob in known}
        garbage = [file for file in files if file.name not in needed and file.stem not in underway]
        if garbage or not files:
            removed += await in_thread(partial(_remove, revisions.root, profile_id, garbage))
    if removed:
        _log.info("profile_garbage_collected", files=removed)
    return removed


def _remove(root: Path, profile_id: ProfileId, files: list[Path]) -> int:
    removed = 0
    for file in files:
        try:
            file.unlink(missing_ok=True)
            removed += 1
        except OSError as error:  # a directory that somebody put there, say
            _log.warning("profile_garbage_left", profile=profile_id, error=error.strerror)
    blobs.remove_if_empty(root, profile_id)
    return removed
