"""Who may not: keys, tokens, ids and origins that are wrong, on every route a real daemon has."""

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from cloche.api.auth.tokens import TokenRole, TokenSigner
from cloche.ids import SessionId, new_key_id, new_session_id
from cloche.testing.daemon import DaemonProcess
from cloche.testing.raw_http import exchange, head
from cloche.vault.secret_box import derive_key

BODIES: dict[str, object] = {
    "/v1/sessions/{session_id}/extend": {"lifetime_s": 60},
    "/v1/sessions/{session_id}/agent/exec": {"argv": ["true"]},
    "/v1/sessions/{session_id}/process/exec": {"command": "true"},
    "/v1/sessions/{session_id}/process/spawn": {"command": "true"},
    "/v1/sessions/{session_id}/process/{process_id}/stdin": {"data_b64": ""},
    "/v1/sessions/{session_id}/process/{process_id}/kill": {"signal": "TERM"},
    "/v1/sessions/{session_id}/process/{process_id}/resize": {"rows": 1, "cols": 1},
}
BODIES |= {
    f"/v1/sessions/{{session_id}}/fs/{name}": {"path": "/workspace/x"}
    for name in ("create_directory", "delete_file", "delete_directory", "watch")
}
BODIES["/v1/sessions/{session_id}/relay"] = {
    "extension_id": "x", "action": "open_tab", "open_tab": {"url": "about:blank"}
}  # fmt: skip
BODIES["/v1/sessions/{session_id}/fs/move"] = {"src_path": "/workspace/x", "dest_path": "/workspace/y"}
BODIES["/v1/sessions/{session_id}/fs/set_file_permissions"] = {"path": "/workspace/x", "mode": "0644"}
BODIES |= {
    "/v1/sessions/{session_id}/live/control": {"viewer_id": "v1"},
    "/v1/sessions/{session_id}/live/links": {"right": "view"},
    "/v1/sessions/{session_id}/live/offer": {"type": "offer", "sdp": "v=0"},
    "/api/sessions/{session_id}/offer": {"type": "offer", "sdp": "v=0"},
}
QUERIES = {
    f"/v1/sessions/{{session_id}}/fs/{name}": "path=/workspace/x"
    for name in ("read_file", "write_file", "list_files", "file_info", "download_dir_zip", "download_dir_zstd")
}
QUERIES["/v1/sessions/{session_id}/logs/stream"] = "source=agent"
OF_THE_OLDER_API = {
    "GET /api/sessions/{session_id}": 200,
    "DELETE /api/sessions/{session_id}": 204,
    "POST /api/sessions/{session_id}/offer": 409,
    "GET /api/sessions/{session_id}/ice": 409,
}
"""Of sessions that have ended: its errors are no more than a text."""
FOREIGN_HOSTS = (
    "evil.test",
    "evil.test:8090",
    "127.0.0.1.evil.test",
    "localhost.evil.test",
    "10.0.0.1",
    "0.0.0.0",
    "[::]",
    "169.254.169.254",
    "a b",
    "",
)
FOREIGN_ORIGINS = (
    "https://evil.test",
    "null",
    "http://localhost:1",
    "http://127.0.0.1",
    "http://localhost.evil.test",
    "file://",
    "http://localhost@evil.test",
    "chrome-extension://abcdef",
)
SOCKETS = ("cdp", "devtools/browser/x", "devtools/page/0123ABCD")
PROCESS_SOCKET = "process/00000000-0000-4000-8000-000000000000/attach"


@dataclass(frozen=True)
class House:
    """A daemon with two users and a session of the first."""

    daemon: DaemonProcess
    ann: str
    bob: str
    session: dict[str, Any]

    @property
    def id(self) -> str:
        return str(self.session["id"])

    @property
    def signer(self) -> TokenSigner:
        return TokenSigner(derive_key((self.daemon.state_dir / "secret").read_bytes(), "tokens"))


@pytest.fixture
async def house(stub_daemon: DaemonProcess) -> AsyncIterator[House]:
    ann, bob = [await make_key(stub_daemon, name) for name in ("ann", "bob")]
    made = await stub_daemon.request("POST", "/v1/sessions", {}, key=ann["secret"])
    assert made.status == 201
    yield House(stub_daemon, ann["secret"], bob["secret"], made.json)
    for key in (ann, bob):
        await stub_daemon.request("DELETE", f"/v1/keys/{key['id']}")


async def make_key(daemon: DaemonProcess, principal: str, role: str = "user") -> dict[str, Any]:
    answer = await daemon.request("POST", "/v1/keys", {"principal": principal, "role": role})
    assert answer.status == 201
    key: dict[str, Any] = answer.json
    return key


async def session_routes(daemon: DaemonProcess) -> list[tuple[str, str]]:
    """Method and path of every route below one session, as the API describes itself."""
    document = (await daemon.request("GET", "/openapi.json")).json
    found = [
        (method.upper(), path)
        for path, methods in document["paths"].items()
        if "{session_id}" in path
        for method in methods
    ]
    assert len(found) >= 12, found
    return found


def fill(path: str, id_: str) -> str:
    filled = path.replace("{session_id}", id_).replace("{target_id}", "0123ABCD").replace("{viewer_id}", "v1")
    for name in ("{process_id}", "{watch_id}"):
        filled = filled.replace(name, "00000000-0000-4000-8000-000000000000")
    return f"{filled}?{QUERIES[path]}" if path in QUERIES else filled


async def statuses(
    daemon: DaemonProcess, routes: Iterable[tuple[str, str]], id_: str, key: str | None
) -> dict[str, tuple[int, Any]]:
    """Ask every route about one session, and give each answer's status and JSON."""
    found = {}
    for method, path in routes:
        answer = await daemon.request(method, fill(path, id_), BODIES.get(path), key=key)
        found[f"{method} {path}"] = (answer.status, answer.json)
    return found


async def upgrade_status(url: str, **options: Any) -> int:
    """The status of a WebSocket upgrade: 101 when it was let in."""
    try:
        async with connect(url, proxy=None, open_timeout=5, **options):
            return 101
    except InvalidStatus as error:
        return error.response.status_code


def socket_url(daemon: DaemonProcess, id_: str, path: str, token: str | None = None) -> str:
    query = f"?token={token}" if token is not None else ""
    return f"{daemon.base_url.replace('http', 'ws', 1)}/v1/sessions/{id_}/{path}{query}"


@pytest.mark.promise("foreign-looks-like-none")
async def test_a_foreign_session_and_one_that_never_was_look_the_same_on_every_route(house: House) -> None:
    routes = await session_routes(house.daemon)
    foreign = await statuses(house.daemon, routes, house.id, house.bob)
    unknown = await statuses(house.daemon, routes, new_session_id(), house.bob)
    assert {name: status for name, (status, _) in foreign.items()} == dict.fromkeys(foreign, 404)
    assert foreign == unknown
    still = await house.daemon.request("GET", f"/v1/sessions/{house.id}", key=house.ann)
    assert still.json["status"] == "ready"


async def test_a_foreign_session_is_not_listed(house: House) -> None:
    listed = await house.daemon.request("GET", "/v1/sessions", key=house.bob)
    assert house.id not in {session["id"] for session in listed.json["sessions"]}


async def test_no_key_and_a_wrong_key_are_a_401_on_every_route(house: House) -> None:
    routes = [*await session_routes(house.daemon), ("GET", "/v1/sessions"), ("POST", "/v1/sessions")]
    routes += [("GET", "/v1/keys"), ("POST", "/v1/keys"), ("DELETE", f"/v1/keys/{new_key_id()}")]
    for key in ("", "ck_" + "x" * 43, house.ann[:-1], "x" * 5_000):
        answers = await statuses(house.daemon, routes, house.id, key)
        assert {name: status for name, (status, _) in answers.items()} == dict.fromkeys(answers, 401)


@pytest.mark.parametrize(
    "line", ["Authorization: Basic YTpi", "Authorization: Bearer", "Authorization: ck_x", "X-API-Key:"]
)
async def test_a_credential_of_another_kind_is_a_401(stub_daemon: DaemonProcess, line: str) -> None:
    request = head("GET", "/v1/sessions", "Host: localhost", "Connection: close", line)
    answer = await exchange(stub_daemon.base_url, request)
    assert (answer.status, answer.headers["www-authenticate"]) == (401, "Bearer")


async def test_a_wrong_bearer_is_not_made_good_by_a_right_x_api_key(stub_daemon: DaemonProcess) -> None:
    answer = await stub_daemon.request("GET", "/v1/sessions", key="ck_wrong", headers={"x-api-key": stub_daemon.key})
    assert answer.status == 401


async def test_a_revoked_key_is_useless_at_once(stub_daemon: DaemonProcess) -> None:
    key = await make_key(stub_daemon, "carl")
    assert (await stub_daemon.request("GET", "/v1/sessions", key=key["secret"])).status == 200
    await stub_daemon.request("DELETE", f"/v1/keys/{key['id']}")
    assert (await stub_daemon.request("GET", "/v1/sessions", key=key["secret"])).status == 401
    assert (await stub_daemon.request("POST", "/v1/sessions", {}, key=key["secret"])).status == 401


async def test_a_user_may_not_touch_keys(house: House) -> None:
    for method, path, body in (
        ("GET", "/v1/keys", None),
        ("POST", "/v1/keys", {"principal": "eve", "role": "admin"}),
        ("DELETE", f"/v1/keys/{new_key_id()}", None),
    ):
        answer = await house.daemon.request(method, path, body, key=house.ann)
        assert (answer.status, answer.json["code"]) == (403, "denied")


@pytest.mark.promise("tokens-are-bound")
async def test_the_door_refuses_bad_expired_foreign_and_viewing_tokens(house: House) -> None:
    ours, other = SessionId(house.id), new_session_id()
    past = datetime.now(UTC) - timedelta(seconds=1)
    good = house.signer.mint(ours, TokenRole.DRIVE)
    assert house.session["connect_url"].endswith(good), "the test does not mint what the daemon does"
    refused = {
        "": 401,
        "x": 401,
        good[:-1]: 401,
        good.swapcase(): 401,
        good + good: 401,
        house.signer.mint(ours, TokenRole.CONTROL, past): 401,
        house.signer.mint(other, TokenRole.DRIVE): 401,
        TokenSigner(bytes(32)).mint(ours, TokenRole.DRIVE): 401,
        house.signer.mint(ours, TokenRole.VIEW): 403,
        house.signer.mint(ours, TokenRole.CONTROL): 403,
    }
    for path in SOCKETS:
        for token, expected in refused.items():
            assert await upgrade_status(socket_url(house.daemon, house.id, path, token)) == expected, (path, token)
        assert await upgrade_status(socket_url(house.daemon, house.id, path)) == 401


async def test_a_token_is_no_key_on_the_routes_that_want_one(house: House) -> None:
    token = house.signer.mint(SessionId(house.id), TokenRole.DRIVE)
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/extend"), ("GET", "/events"), ("GET", "/metrics")):
        body = {"lifetime_s": 60} if path == "/extend" else None
        answer = await house.daemon.request(method, f"/v1/sessions/{house.id}{path}?token={token}", body, key="")
        assert answer.status == 401, path


async def test_the_door_refuses_a_foreign_key_as_if_there_were_no_session(house: House) -> None:
    headers = {"authorization": f"Bearer {house.bob}"}
    for path in (*SOCKETS, PROCESS_SOCKET):
        assert await upgrade_status(socket_url(house.daemon, house.id, path), additional_headers=headers) == 404


async def test_no_token_opens_the_door_to_a_program(house: House) -> None:
    for role in TokenRole:
        url = socket_url(house.daemon, house.id, PROCESS_SOCKET, house.signer.mint(SessionId(house.id), role))
        assert await upgrade_status(url) == 401


async def test_a_closed_session_is_gone_on_every_route_but_those_that_look_back(house: House) -> None:
    assert (await house.daemon.request("DELETE", f"/v1/sessions/{house.id}", key=house.ann)).json["status"] == "closed"
    routes = await session_routes(house.daemon)
    answers = await statuses(house.daemon, routes, house.id, house.ann)
    looking_back = {
        "GET /v1/sessions/{session_id}",
        "DELETE /v1/sessions/{session_id}",
        "GET /v1/sessions/{session_id}/events",
        "GET /v1/sessions/{session_id}/live",
        "GET /v1/sessions/{session_id}/recordings",
        "GET /api/sessions/{session_id}",
        "GET /v1/sessions/{session_id}/downloads",
    }
    for name, (status, body) in answers.items():
        if name in looking_back:
            assert status == 200, name
        elif "/api/" in name:
            assert status == OF_THE_OLDER_API[name], name
        else:
            assert (status, body["code"], body["reason"]) == (410, "session_gone", "closed_by_user"), name
    for path in SOCKETS:
        url = socket_url(house.daemon, house.id, path, house.signer.mint(SessionId(house.id), TokenRole.DRIVE))
        assert await upgrade_status(url) == 410


async def test_a_closed_session_shows_no_links_and_ends_no_second_time(house: House) -> None:
    first = await house.daemon.request("DELETE", f"/v1/sessions/{house.id}", key=house.ann)
    again = await house.daemon.request("DELETE", f"/v1/sessions/{house.id}", key=house.ann)
    assert (first.status, again.status) == (200, 200)
    for answer in (first, again):
        assert answer.json["connect_url"] is None
        assert answer.json["live_url"] is None
    assert again.json["status"] == "closed"


async def test_a_host_that_is_not_ours_is_refused_over_http_and_websocket(house: House) -> None:
    """DNS rebinding: the name in the request is the hostile page's own."""
    for host in FOREIGN_HOSTS:
        plain = head("GET", "/v1/sessions", f"Host: {host}", f"X-API-Key: {house.ann}", "Connection: close")
        assert (await exchange(house.daemon.base_url, plain)).status in (400, 403), host
        for target in ("/healthz", "/docs", "/metrics"):
            answer = await exchange(house.daemon.base_url, head("GET", target, f"Host: {host}", "Connection: close"))
            assert answer.status in (400, 403), host
        assert (await exchange(house.daemon.base_url, upgrade(house, f"Host: {host}"))).status in (400, 403), host


async def test_two_hosts_or_none_are_refused(house: House) -> None:
    for fields in ((), ("Host: localhost", "Host: localhost")):
        answer = await exchange(house.daemon.base_url, head("GET", "/v1/sessions", *fields, "Connection: close"))
        assert answer.status in (400, 403)
        assert (await exchange(house.daemon.base_url, upgrade(house, *fields))).status in (400, 403)


async def test_a_page_of_another_origin_is_refused_over_http_and_websocket(house: House) -> None:
    host = house.daemon.base_url.removeprefix("http://")
    for origin in FOREIGN_ORIGINS:
        answer = await house.daemon.request("POST", "/v1/sessions", {}, key=house.ann, headers={"origin": origin})
        assert (answer.status, answer.json["code"]) == (403, "denied"), origin
        assert "access-control-allow-origin" not in answer.headers
        refused = await exchange(house.daemon.base_url, upgrade(house, f"Host: {host}", f"Origin: {origin}"))
        assert refused.status == 403, origin


async def test_a_page_of_the_daemons_own_origin_is_let_in(house: House) -> None:
    headers = {"origin": house.daemon.base_url}
    assert (await house.daemon.request("GET", "/v1/sessions", key=house.ann, headers=headers)).status == 200


async def test_a_preflight_of_another_origin_allows_nothing(stub_daemon: DaemonProcess) -> None:
    headers = {"origin": "https://evil.test", "access-control-request-method": "POST"}
    answer = await stub_daemon.request("OPTIONS", "/v1/sessions", key="", headers=headers)
    assert answer.status == 403
    assert not [name for name in answer.headers if name.startswith("access-control-")]


async def test_secrets_are_in_no_log_line(house: House) -> None:
    token = house.signer.mint(SessionId(house.id), TokenRole.DRIVE)
    await house.daemon.request("GET", f"/v1/sessions/{house.id}/json/version?token={token}", key="")
    await upgrade_status(socket_url(house.daemon, house.id, "cdp", token[:-1] + "-"))
    log = house.daemon.log_tail(10_000)
    for secret in (house.ann, house.bob, house.daemon.key, token):
        assert secret not in log


def upgrade(house: House, *fields: str) -> bytes:
    """A WebSocket upgrade whose credential is right."""
    return head(
        "GET",
        f"/v1/sessions/{house.id}/cdp",
        *fields,
        f"X-API-Key: {house.ann}",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
    )
