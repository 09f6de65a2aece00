"""Artifacts over real HTTP, before artifacts in memory."""

import hashlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from cloche.artifacts.model import ArtifactKind, ArtifactState
from cloche.ids import SessionId, new_artifact_id
from cloche.sessions.principal import Role, Scope
from cloche.testing.api import RunningApi, running_api

CONTENT = bytes(range(256)) * 4
ETAG = f'"{hashlib.sha256(CONTENT).hexdigest()}"'
QUARANTINED = ArtifactState.QUARANTINED


@pytest.fixture
async def api() -> AsyncIterator[RunningApi]:
    async with running_api() as running:
        yield running


async def ask(api: RunningApi, method: str, path: str, *, key: str | None = None, **options: Any) -> Any:
    async with api.http(key or api.user_key) as client:
        return await client.request(method, path, **options)


async def releaser(api: RunningApi, name: str = "alice") -> str:
    """The secret of a key that may release files."""
    _, secret = await api.keys.create(principal=name, role=Role.USER, scopes=[Scope.RELEASE])
    return secret


# --- listing and looking --------------------------------------------------------------------------------------------


async def test_the_files_of_a_session_are_listed_with_all_that_is_known_of_them(api: RunningApi) -> None:
    session_id = await api.session_id()
    pdf = api.artifacts.add(CONTENT, session_id=session_id, kind=ArtifactKind.PDF)
    bad = api.artifacts.add(
        b"MZ", session_id=session_id, state=QUARANTINED, reasons=("executable",), file_name="a.exe",
        declared_type="image/png", source_url="https://a.test/x?token=***",
    )  # fmt: skip
    api.artifacts.add(b"elsewhere")
    path = f"/v1/sessions/{session_id}/downloads"
    listed = (await ask(api, "GET", path)).json()
    assert [each["id"] for each in listed["artifacts"]] == [bad.id, pdf.id] and listed["next_cursor"] is None
    first = listed["artifacts"][0]
    assert (first["state"], first["reasons"], first["file_name"]) == ("quarantined", ["executable"], "a.exe")
    assert (first["declared_type"], first["source_url"]) == ("image/png", "https://a.test/x?token=***")
    assert (first["sha256"], first["size_bytes"]) == (bad.sha256, 2)
    for query, found in (("state=ready", [pdf.id]), ("kind=pdf", [pdf.id]), ("limit=1", [bad.id])):
        page = (await ask(api, "GET", f"{path}?{query}")).json()
        assert [each["id"] for each in page["artifacts"]] == found
        assert page["next_cursor"] == (bad.id if query == "limit=1" else None)
    assert (await ask(api, "GET", f"/v1/artifacts/{bad.id}")).json() == first


async def test_each_sees_the_own_files_and_an_admin_all(api: RunningApi) -> None:
    mine, theirs = api.artifacts.add(), api.artifacts.add(owner="mallory")
    session_id = await api.session_id()
    for key, seen in ((api.user_key, {mine.id}), (api.other_key, {theirs.id}), (api.admin_key, {mine.id, theirs.id})):
        listed = (await ask(api, "GET", "/v1/artifacts", key=key)).json()["artifacts"]
        assert {each["id"] for each in listed} == seen
    for path in (f"/v1/artifacts?session_id={session_id}", f"/v1/sessions/{session_id}/downloads"):
        assert (await ask(api, "GET", path, key=api.other_key)).status_code == 404
    for query in ("limit=0", "limit=201", "state=lost", "kind=x", "session_id=x", "cursor=made-up"):
        assert (await ask(api, "GET", f"/v1/artifacts?{query}")).status_code == 400


async def test_a_foreign_file_looks_like_none_at_all(api: RunningApi) -> None:
    artifact = api.artifacts.add(CONTENT)
    ways = (("GET", ""), ("DELETE", ""), ("GET", "/content"), ("HEAD", "/content"), ("POST", "/release"))
    for method, rest in ways:
        foreign, missing = [
            await ask(api, method, f"/v1/artifacts/{id_}{rest}?quarantined=true", key=api.other_key)
            for id_ in (artifact.id, new_artifact_id())
        ]
        assert (foreign.status_code, missing.status_code) == (404, 404) and foreign.content == missing.content
        assert (await ask(api, method, f"/v1/artifacts/art_1{rest}")).status_code == 400
    assert (await ask(api, "GET", f"/v1/artifacts/{artifact.id}")).status_code == 200


# --- reading --------------------------------------------------------------------------------------------------------


async def test_a_file_comes_as_a_file_that_no_browser_will_show(api: RunningApi) -> None:
    artifact = api.artifacts.add(CONTENT, file_name='a"b\r\nc/…ü.pdf')
    answer = await ask(api, "GET", f"/v1/artifacts/{artifact.id}/content")
    assert (answer.status_code, answer.content) == (200, CONTENT)
    expected = {
        "content-type": "application/pdf",
        "content-length": "1024",
        "x-content-type-options": "nosniff",
        "content-disposition": "attachment; filename=\"a_b__c___.pdf\"; filename*=UTF-8''a_b__c_%E2%80%A6%C3%BC.pdf",
        "content-security-policy": "sandbox; default-src 'none'",
        "cross-origin-resource-policy": "same-origin",
        "cache-control": "private, no-store",
        "referrer-policy": "no-referrer",
        "accept-ranges": "bytes",
        "etag": ETAG,
    }
    assert {name: answer.headers.get(name) for name in expected} == expected
    head = await ask(api, "HEAD", f"/v1/artifacts/{artifact.id}/content", headers={"range": "bytes=0-1"})
    assert (head.status_code, head.content) == (200, b"")
    assert {name: head.headers.get(name) for name in expected} == expected


TYPES = {
    "text/html": "application/octet-stream",
    "image/svg+xml": "application/octet-stream",
    "text/javascript": "application/octet-stream",
    "text/plain; charset=utf-7": "application/octet-stream",
    "text/plain\r\nx: y": "application/octet-stream",
    "image/png": "image/png",
    "text/plain": "text/plain",
}


async def test_only_types_that_nothing_runs_are_told(api: RunningApi) -> None:
    for told, sent in TYPES.items():
        artifact = api.artifacts.add(CONTENT, media_type=told)
        answer = await ask(api, "GET", f"/v1/artifacts/{artifact.id}/content")
        assert (answer.status_code, answer.headers["content-type"]) == (200, sent)


RANGES = [
    ("bytes=0-0", 206, "bytes 0-0/1024"),
    ("bytes=1000-", 206, "bytes 1000-1023/1024"),
    ("bytes=1000-9999", 206, "bytes 1000-1023/1024"),
    ("bytes=-24", 206, "bytes 1000-1023/1024"),
    ("bytes=-9999", 206, "bytes 0-1023/1024"),
    ("bytes=1024-", 416, "bytes */1024"),
    ("bytes=-0", 416, "bytes */1024"),
    ("bytes=0-1,5-6", 200, None),
    ("bytes=5-1", 200, None),
    ("lines=1-2", 200, None),
]


async def test_a_single_range_is_answered_with_just_that(api: RunningApi) -> None:
    path = f"/v1/artifacts/{api.artifacts.add(CONTENT).id}/content"
    for wanted, status, content_range in RANGES:
        answer = await ask(api, "GET", path, headers={"range": wanted})
        assert (answer.status_code, answer.headers.get("content-range")) == (status, content_range), wanted
        if status == 206 and content_range is not None:
            first, last = map(int, content_range[6:].partition("/")[0].split("-"))
            assert answer.content == CONTENT[first : last + 1]
            assert answer.headers["content-length"] == str(len(answer.content))


async def test_a_range_of_another_file_is_answered_with_the_whole_of_this(api: RunningApi) -> None:
    path = f"/v1/artifacts/{api.artifacts.add(CONTENT).id}/content"
    for if_range, status in ((ETAG, 206), ('"other"', 200), (f"W/{ETAG}", 200), ("Sun, 22 Nov 2026 12:00:00 GMT", 200)):
        answer = await ask(api, "GET", path, headers={"range": "bytes=2-3", "if-range": if_range})
        assert answer.status_code == status, if_range
        assert answer.content == (CONTENT[2:4] if status == 206 else CONTENT)


async def test_nothing_is_a_file_too(api: RunningApi) -> None:
    path = f"/v1/artifacts/{api.artifacts.add(b'').id}/content"
    whole = await ask(api, "GET", path)
    assert (whole.status_code, whole.content, whole.headers["content-length"]) == (200, b"", "0")
    assert (await ask(api, "GET", path, headers={"range": "bytes=0-"})).status_code == 416


async def test_a_file_that_ends_too_early_is_never_taken_for_whole(api: RunningApi) -> None:
    artifact = api.artifacts.add(CONTENT)
    api.artifacts.cut_at = 500
    with pytest.raises(Exception, match=r"incomplete|peer closed"):
        await ask(api, "GET", f"/v1/artifacts/{artifact.id}/content")


# --- quarantine -----------------------------------------------------------------------------------------------------


async def test_a_file_in_quarantine_is_read_only_by_who_asks_for_that_and_may(api: RunningApi) -> None:
    artifact = api.artifacts.add(b"MZ", state=QUARANTINED, media_type="image/png")
    path, secret = f"/v1/artifacts/{artifact.id}/content", await releaser(api)
    for key, query, reason in (
        (api.user_key, "", "quarantined"),
        (api.admin_key, "", "quarantined"),
        (secret, "?quarantined=false", "quarantined"),
        (api.user_key, "?quarantined=true", "release_not_allowed"),
    ):
        answer = await ask(api, "GET", path + query, key=key, headers={"range": "bytes=9-"})
        assert (answer.status_code, answer.json()["reason"]) == (403, reason)
    for key in (secret, api.admin_key):
        answer = await ask(api, "GET", f"{path}?quarantined=true", key=key)
        assert (answer.content, answer.headers["content-type"]) == (b"MZ", "application/octet-stream")


async def test_who_may_lets_a_file_out_of_quarantine_once(api: RunningApi) -> None:
    artifact = api.artifacts.add(b"MZ", state=QUARANTINED)
    path = f"/v1/artifacts/{artifact.id}"
    refused = await ask(api, "POST", f"{path}/release")
    assert (refused.status_code, refused.json()["reason"]) == (403, "release_not_allowed")
    released = (await ask(api, "POST", f"{path}/release", key=await releaser(api))).json()
    assert (released["state"], released["decided_by"]) == ("released", "alice")
    again = await ask(api, "POST", f"{path}/release", key=api.admin_key)
    assert (again.status_code, again.json()["reason"]) == (409, "not_quarantined")
    assert (await ask(api, "GET", f"{path}/content")).content == b"MZ"


async def test_what_was_condemned_or_not_kept_is_had_by_nobody(api: RunningApi) -> None:
    condemned = api.artifacts.add(b"x", state=ArtifactState.CONDEMNED)
    rejected = api.artifacts.add(b"", state=ArtifactState.REJECTED, size_bytes=1 << 40, sha256="")
    for artifact, status, reason in ((condemned, 403, "condemned"), (rejected, 409, "not_kept")):
        for headers in ({}, {"range": "bytes=0-"}):
            path = f"/v1/artifacts/{artifact.id}/content?quarantined=true"
            answer = await ask(api, "GET", path, key=api.admin_key, headers=headers)
            assert (answer.status_code, answer.json()["reason"]) == (status, reason)
    answer = await ask(api, "POST", f"/v1/artifacts/{condemned.id}/release", key=api.admin_key)
    assert (answer.status_code, answer.json()["reason"]) == (403, "condemned")


# --- handing in and deleting ----------------------------------------------------------------------------------------


async def test_a_file_is_handed_in_and_deleted(api: RunningApi) -> None:
    answer = await ask(
        api, "POST", "/v1/artifacts?file_name=a%20%C3%BC.csv", content=CONTENT, headers={"content-type": "text/csv"}
    )
    made = answer.json()
    path = f"/v1/artifacts/{made['id']}"
    assert (answer.status_code, answer.headers["location"]) == (201, path)
    assert (made["kind"], made["file_name"], made["declared_type"]) == ("upload", "a ü.csv", "text/csv")
    assert (made["session_id"], made["sha256"]) == (None, ETAG.strip('"'))
    deleted = await ask(api, "DELETE", path)
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert (await ask(api, "GET", path)).status_code == 404


async def test_an_upload_wants_a_name_and_has_limits(api: RunningApi) -> None:
    for query in ("", "?file_name=", f"?file_name={'x' * 5000}"):
        assert (await ask(api, "POST", f"/v1/artifacts{query}", content=b"x")).status_code == 400
    answer = await ask(api, "POST", "/v1/artifacts?file_name=x", content=bytes((8 << 20) + 1))
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    listed = (await ask(api, "GET", "/v1/artifacts")).json()
    assert listed["artifacts"] == []


async def test_a_deleted_sessions_files_can_still_be_had(api: RunningApi) -> None:
    session_id = SessionId((await api.session())["id"])
    artifact = api.artifacts.add(CONTENT, session_id=session_id)
    await ask(api, "DELETE", f"/v1/sessions/{session_id}")
    assert (await ask(api, "GET", f"/v1/artifacts/{artifact.id}/content")).content == CONTENT
