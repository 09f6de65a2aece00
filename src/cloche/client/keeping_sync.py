"""Profiles and artifacts, synchronously: `client.profiles`, `client.artifacts`."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cloche.client import keeping_calls as calls
from cloche.client.keeping_answers import (
    Artifact,
    ArtifactPage,
    DeletedProfile,
    Profile,
    ProfilePage,
    Rekeyed,
    Revision,
)
from cloche.client.partial_file import PartialFile, pieces_of
from cloche.errors import LostError

if TYPE_CHECKING:
    from cloche.client.sync import SyncClient


class Profiles:
    """`client.profiles`: what sessions start from and save back."""

    def __init__(self, client: "SyncClient") -> None:
        self._client = client

    def create(self, name: str, *, theme_color: str = "", private: bool = False, persistence: bool = True) -> Profile:
        call = calls.create_profile(name=name, theme_color=theme_color, private=private, persistence=persistence)
        return self._client.send(call)

    def get(self, profile_id: str) -> Profile:
        return self._client.send(calls.get_profile(profile_id))

    def list(self, *, limit: int = 50, cursor: str | None = None) -> ProfilePage:
        """One page, last used first."""
        return self._client.send(calls.list_profiles(limit=limit, cursor=cursor))

    def update(self, profile_id: str, *, name: str | None = None, theme_color: str | None = None) -> Profile:
        return self._client.send(calls.update_profile(profile_id, name=name, theme_color=theme_color))

    def activate(self, profile_id: str) -> Profile:
        return self._client.send(calls.activate_profile(profile_id))

    def fork(self, profile_id: str, *, name: str, revision: int | None = None) -> Profile:
        """A new profile that begins with a copy of a revision; by default the last."""
        return self._client.send(calls.fork_profile(profile_id, name=name, revision=revision))

    def delete(self, profile_id: str, *, force: bool = False) -> DeletedProfile:
        """With `force` also while a session uses it."""
        return self._client.send(calls.delete_profile(profile_id, force=force))

    def revisions(self, profile_id: str) -> tuple[Revision, ...]:
        """Those that are kept, newest first."""
        return tuple(self._client.send(calls.revisions(profile_id)).revisions)

    def export(self, profile_id: str, *, passphrase: str, revision: int | None = None) -> Iterator[bytes]:
        """One revision as a file, piece by piece."""
        call = calls.export_profile(profile_id, passphrase=passphrase, revision=revision)
        yield from self._client.stream_bytes(call)

    def import_file(self, content: bytes | Iterable[bytes], *, passphrase: str, name: str) -> Profile:
        """A new profile from what `export` gave."""
        return self._client.send(calls.import_profile(passphrase=passphrase, name=name), content=content)

    def get_storage_state(self, profile_id: str) -> dict[str, Any]:
        return self._client.send(calls.get_storage_state(profile_id))

    def put_storage_state(self, profile_id: str, state: Mapping[str, Any]) -> Profile:
        """Save Playwright's `storage_state` as the next revision."""
        return self._client.send(calls.put_storage_state(profile_id, state))

    def save_session(self, session_id: str) -> Profile:
        """Save a living session's state to its profile now."""
        return self._client.send(calls.save_session(session_id))

    def rekey(self) -> Rekeyed:
        """Wrap every key under the first of the server's state keys; needs an admin's key."""
        return self._client.send(calls.rekey())


class Artifacts:
    """`client.artifacts`: files that came out of sessions, and those that were handed in."""

    def __init__(self, client: "SyncClient") -> None:
        self._client = client

    def list(
        self,
        *,
        session_id: str | None = None,
        state: str | None = None,
        kind: str | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> ArtifactPage:
        """One page, newest first."""
        call = calls.list_artifacts(session_id=session_id, state=state, kind=kind, limit=limit, cursor=cursor)
        return self._client.send(call)

    def get(self, artifact_id: str) -> Artifact:
        return self._client.send(calls.get_artifact(artifact_id))

    def read(self, artifact_id: str, *, quarantined: bool = False) -> bytes:
        return self._client.send(calls.read_artifact(artifact_id, quarantined=quarantined))

    def read_pieces(self, artifact_id: str, *, start: int = 0, quarantined: bool = False) -> Iterator[bytes]:
        """Its bytes from `start` on, piece by piece."""
        call = calls.read_artifact(artifact_id, start=start, quarantined=quarantined)
        yield from self._client.stream_bytes(call)

    def download(self, artifact_id: str, path: str | Path, *, quarantined: bool = False) -> Artifact:
        """Write it to `path`, whole and checked, or not at all. One that breaks off goes on where it ended.

        Raises: LostError once that has brought nothing new; what has come stays beside `path` for the next try.
        """
        artifact = self.get(artifact_id)
        with PartialFile(Path(path), artifact) as file:
            before = -1
            while not file.is_whole and before != file.size:
                before = file.size
                try:
                    for piece in self.read_pieces(artifact_id, start=file.size, quarantined=quarantined):
                        file.append(piece)
                except LostError:
                    if file.size == before:
                        raise
            file.finish()
        return artifact

    def upload(
        self, source: str | Path | bytes | Iterable[bytes], *, file_name: str = "", media_type: str = ""
    ) -> Artifact:
        """Hand in a file, for file inputs of pages: that of a path, or bytes, which want a `file_name`."""
        if isinstance(source, str | Path):
            file_name, source = file_name or Path(source).name, pieces_of(Path(source))
        return self._client.send(calls.upload_artifact(file_name=file_name, media_type=media_type), content=source)

    def release(self, artifact_id: str) -> Artifact:
        """Let it out of quarantine."""
        return self._client.send(calls.release_artifact(artifact_id))

    def delete(self, artifact_id: str) -> None:
        self._client.send(calls.delete_artifact(artifact_id))
