"""A store of profiles over a real database and real files, and what a test asks of it."""

import random
import secrets
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cloche.ids import PrincipalName, ProfileId, SessionId
from cloche.profiles.limits import ProfileLimits
from cloche.profiles.model import NewProfile, Profile, ProfileForm, Revision
from cloche.profiles.store import ProfileStore
from cloche.storage.database import Database
from cloche.testing.clock import FakeClock
from cloche.vault.keyring import KeySource, LiveKeyring
from cloche.vault.keys import Keyring, StateKey

ANN: Final = PrincipalName("ann")
BOB: Final = PrincipalName("bob")
LIMITS: Final = ProfileLimits(max_profiles_per_principal=5, max_profile_bytes=4 << 20, profile_revisions=3)


def new_keyring(*earlier: StateKey) -> Keyring:
    return Keyring(StateKey.from_bytes(secrets.token_bytes(32)), earlier)


async def in_pieces(data: bytes, size: int = 100_000) -> AsyncGenerator[bytes]:
    for at in range(0, len(data), size):
        yield data[at : at + size]


def payload_of(revision: int, size: int = 1000) -> bytes:
    """What a test saves as this revision: the same each time, and of no use to a compressor."""
    return random.Random(revision).randbytes(size)  # noqa: S311 - it is to be the same each time


@dataclass
class ProfileWorld:
    database: Database
    directory: Path
    clock: FakeClock = field(default_factory=FakeClock)
    limits: ProfileLimits = LIMITS
    keyring: LiveKeyring = field(default_factory=lambda: LiveKeyring(KeySource(), new_keyring()))
    store: ProfileStore = field(init=False)

    def __post_init__(self) -> None:
        self.store = self.fresh_store()

    def fresh_store(self) -> ProfileStore:
        """One that knows only what is in the database and the directory, as a daemon's start does."""
        return ProfileStore(self.database, self.directory, self.keyring, self.clock, self.limits)

    async def add(self, owner: PrincipalName = ANN, name: str = "work", *, saved: int = 0) -> Profile:
        """A profile with so many revisions of `payload_of`."""
        profile = await self.store.add(owner, NewProfile(name=name))
        for number in range(1, saved + 1):
            await self.save(profile.id, payload_of(number))
        return await self.store.get(profile.id)

    async def save(self, profile_id: ProfileId, data: bytes, session_id: SessionId | None = None) -> Revision:
        return await self.store.save(
            profile_id,
            session_id,
            form=ProfileForm.DIRECTORY,
            engine="shell",
            manifest=b'{"tabs":[]}',
            body=in_pieces(data),
        )

    async def payload(self, profile_id: ProfileId, revision: int | None = None) -> bytes:
        async with self.store.read(profile_id, revision) as stored:
            return b"".join([piece async for piece in stored.body])

    def files(self, profile_id: ProfileId) -> list[Path]:
        """All files of a profile, the oldest first."""
        directory = self.directory / profile_id
        found = list(directory.iterdir()) if directory.is_dir() else []
        return sorted(found, key=lambda file: file.stat().st_mtime_ns)


@asynccontextmanager
async def profile_world(database_file: Path, directory: Path) -> AsyncGenerator[ProfileWorld]:
    database = await Database.open(f"sqlite:///{database_file}")
    try:
        yield ProfileWorld(database, directory)
    finally:
        await database.close()
