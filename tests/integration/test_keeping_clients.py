"""Both Python clients and profiles and artifacts, against the served API."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cloche.artifacts.model import ArtifactState
from cloche.client.aio import Client
from cloche.client.sync import SyncClient
from cloche.errors import ConflictError, DeniedError, InvalidError, LostError, NotFoundError
from cloche.ids import SessionId
from cloche.testing.api import RunningApi, running_api

STATE = {"cookies": [], "origins": [{"origin": "https://a.test", "localStorage": [{"name": "k", "value": "ü"}]}]}
PASSPHRASE = "long enough, größer"
CONTENT = bytes(range(256)) * 40


@pytest.fixture
async def api() -> AsyncIterator[RunningApi]:
    async with running_api() as running:
        yield running


async def test_a_profile_is_made_used_carried_and_deleted(api: RunningApi) -> None:
    async with Client(api.url, api.user_key) as client:
        made = await client.profiles.create("work", theme_color="red")
        session = await client.sessions.create(
            profile={"id": made.id, "save": True}, private=False, downloads="quarantine"
        )
        assert session.profile is not None and (session.profile.id, session.profile.save) == (made.id, True)
        assert (session.private, session.downloads) == (False, "quarantine")
        assert (await client.profiles.save_session(session.id)).revision == 1
        assert (await client.profiles.put_storage_state(made.id, STATE)).revision == 2
        assert (await client.profiles.get_storage_state(made.id))["origins"] == STATE["origins"]
        assert [each.revision for each in await client.profiles.revisions(made.id)] == [2, 1]
        assert (await client.profiles.update(made.id, name="home")).name == "home"
        assert (await client.profiles.activate(made.id)).active
        assert (await client.profiles.fork(made.id, name="copy")).revision == 1
        pieces = [piece async for piece in client.profiles.export(made.id, passphrase=PASSPHRASE)]
        again = await client.profiles.import_file(b"".join(pieces), passphrase=PASSPHRASE, name="again")
        assert (await client.profiles.get_storage_state(again.id))["origins"] == STATE["origins"]
        page = await client.profiles.list(limit=2)
        assert (page.active_id, len(page.profiles)) == (made.id, 2) and page.next_cursor
        assert (await client.profiles.delete(made.id, force=True)).deleted
        with pytest.raises(NotFoundError):
            await client.profiles.get(made.id)
        with pytest.raises(DeniedError):
            await client.profiles.rekey()
        with pytest.raises(InvalidError):
            await client.profiles.import_file(b"x", passphrase=PASSPHRASE, name="x")
    async with Client(api.url, api.admin_key) as admin:
        assert (await admin.profiles.rekey()).rewrapped == 2


async def test_a_file_is_listed_read_released_and_handed_in(api: RunningApi, tmp_path: Path) -> None:
    session_id = SessionId((await api.session())["id"])
    bad = api.artifacts.add(b"MZ", session_id=session_id, state=ArtifactState.QUARANTINED)
    good = api.artifacts.add(CONTENT, session_id=session_id)
    async with Client(api.url, api.user_key) as client, Client(api.url, api.admin_key) as admin:
        assert [each.id for each in (await client.sessions.downloads(session_id)).artifacts] == [good.id, bad.id]
        listed = await client.artifacts.list(session_id=session_id, state="quarantined")
        assert [each.id for each in listed.artifacts] == [bad.id]
        assert await client.artifacts.read(good.id) == CONTENT
        with pytest.raises(DeniedError):
            await client.artifacts.download(bad.id, tmp_path / "bad")
        assert await admin.artifacts.read(bad.id, quarantined=True) == b"MZ"
        assert (await admin.artifacts.release(bad.id)).state == "released"
        assert (await client.artifacts.download(bad.id, tmp_path / "bad")).sha256 == bad.sha256
        made = await client.artifacts.upload(CONTENT, file_name="ü.csv", media_type="text/csv")
        assert (made.file_name, made.declared_type, made.kind) == ("ü.csv", "text/csv", "upload")
        photo = tmp_path / "photo.png"
        photo.write_bytes(CONTENT)
        from_path = await client.artifacts.upload(str(photo))
        assert (from_path.file_name, from_path.sha256) == ("photo.png", good.sha256)
        with pytest.raises(InvalidError):
            await client.artifacts.upload(tmp_path / "none")
        await client.artifacts.delete(made.id)
        with pytest.raises(NotFoundError):
            await client.artifacts.get(made.id)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad", "photo.png"]


async def test_a_download_that_breaks_off_goes_on_where_it_ended(api: RunningApi, tmp_path: Path) -> None:
    artifact = api.artifacts.add(CONTENT)
    place = tmp_path / "file"
    api.artifacts.cut_at = 4000  # of each answer
    async with Client(api.url, api.user_key) as client:
        await client.artifacts.download(artifact.id, place)
    assert place.read_bytes() == CONTENT and len(api.artifacts.opened) == 3
    assert api.artifacts.opened[0] == 0 and sorted(set(api.artifacts.opened)) == api.artifacts.opened


async def test_what_came_of_one_that_cannot_go_on_waits_for_the_next_try(api: RunningApi, tmp_path: Path) -> None:
    artifact = api.artifacts.add(CONTENT)
    place = tmp_path / "file"

    def use() -> None:
        with SyncClient(api.url, api.user_key) as client:
            api.artifacts.cut_at = 0
            with pytest.raises(LostError):
                client.artifacts.download(artifact.id, place)
            api.artifacts.cut_at = 4000
            client.artifacts.download(artifact.id, place)

    await asyncio.to_thread(use)
    assert place.read_bytes() == CONTENT and [path.name for path in tmp_path.iterdir()] == ["file"]


async def test_the_synchronous_client_does_the_same(api: RunningApi, tmp_path: Path) -> None:
    session_id = SessionId((await api.session())["id"])
    artifact = api.artifacts.add(CONTENT, session_id=session_id)

    def use() -> None:
        with SyncClient(api.url, api.user_key) as client:
            made = client.profiles.create("work")
            client.profiles.put_storage_state(made.id, STATE)
            exported = b"".join(client.profiles.export(made.id, passphrase=PASSPHRASE))
            again = client.profiles.import_file(iter([exported]), passphrase=PASSPHRASE, name="again")
            assert client.profiles.get_storage_state(again.id)["origins"] == STATE["origins"]
            assert [each.revision for each in client.profiles.revisions(again.id)] == [1]
            assert client.profiles.list().active_id is None
            assert client.profiles.delete(made.id).deleted
            with pytest.raises(ConflictError):
                client.profiles.save_session(session_id)
            assert [each.id for each in client.sessions.downloads(session_id).artifacts] == [artifact.id]
            assert b"".join(client.artifacts.read_pieces(artifact.id, start=10)) == CONTENT[10:]
            (tmp_path / "photo.png").write_bytes(CONTENT)
            assert client.artifacts.upload(tmp_path / "photo.png").file_name == "photo.png"
            uploaded = client.artifacts.upload(iter([b"a", b"b"]), file_name="x")
            assert client.artifacts.read(uploaded.id) == b"ab"

    await asyncio.to_thread(use)
