"""kill -9 at every file and database operation of a save."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from cloche.ids import ProfileId
from cloche.testing.profile_store import ProfileWorld, payload_of
from cloche.vault.keys import Keyring, StateKey

SIZE = 300_000


@pytest.mark.promise("a-save-is-whole")
async def test_a_save_that_is_killed_before_any_step_leaves_the_last_good_revision(
    world: ProfileWorld, database_file: Path
) -> None:
    secret = os.urandom(32)
    world.keyring.current = Keyring(StateKey.from_bytes(secret))
    profile = await world.add()
    for number in range(1, 4):
        await world.save(profile.id, payload_of(number, SIZE))

    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "cloche.testing.dying_save",
        *(str(database_file), str(world.directory), profile.id, str(SIZE)),
        env=os.environ | {"STATE_KEY": secret.hex()},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None and process.stdout is not None
    try:
        revision, killed, answer = 3, 0, ""
        async with asyncio.timeout(60):
            while answer != "saved":
                process.stdin.write(b"%d\n" % (killed + 1))
                answer = (await process.stdout.readline()).decode().strip()
                assert answer in ("killed", "saved")
                killed += answer == "killed"
                revision = await checked(world, profile.id, revision)
    finally:
        process.stdin.close()
        await process.wait()
    # The one that was not killed is there, and there were steps before and after the commit to be killed at.
    assert revision >= 5 and killed > 15


async def checked(world: ProfileWorld, profile_id: ProfileId, last: int) -> int:
    """What a daemon finds that starts now: the revision, whole, and none of the files of what did not become one."""
    world.store = world.fresh_store()
    await world.store.collect_garbage()
    kept = await world.store.revisions(profile_id)
    revision = kept[0].revision
    assert revision in (last, last + 1)
    assert await world.payload(profile_id) == payload_of(revision, SIZE)
    assert sorted(file.stat().st_size for file in world.files(profile_id)) == sorted(one.size_bytes for one in kept)
    return revision
