"""A private session leaves nothing: no file of the daemon's, and no line of its log, has anything of what it did."""

import asyncio
import base64
import json
import secrets
from pathlib import Path
from typing import Any, Final

import pytest

from .conftest import Person

Json = dict[str, Any]

DOWNLOAD: Final = "Object.assign(document.createElement('a'), {href: '%s', download: '%s.bin'}).click()"


def forms(text: str) -> dict[str, bytes]:
    """A text as it may stand in a file. Of its base64 what does not depend on where in a text it stood."""
    found = {"utf-8": text.encode(), "utf-16": text.encode("utf-16-le"), "hex": text.encode().hex().encode()}
    for shift in range(3):
        encoded = base64.b64encode(b"x" * shift + text.encode())
        found[f"base64+{shift}"] = encoded[4 if shift else 0 : -4]
    return found


def where_found(directory: Path, wanted: dict[str, bytes]) -> list[str]:
    found = []
    for path in directory.rglob("*"):
        if path.is_file() and not path.is_symlink():
            content = path.read_bytes()
            found += [f"{path.relative_to(directory)}: {form}" for form, data in wanted.items() if data in content]
    return found


async def kept(person: Person, session: Json, name: str) -> None:
    """Wait until a download of that name is an artifact."""
    async with asyncio.timeout(10):
        while True:
            artifacts = (await person.ask("GET", f"/sessions/{session['id']}/downloads"))["artifacts"]
            if any(artifact["file_name"].startswith(name) and artifact["private"] for artifact in artifacts):
                return


async def live(person: Person, canary: str, **options: Any) -> Json:
    """A session that leaves a canary wherever something could be kept."""
    address = person.home.url("localhost", f"/pages/forms.html?from={canary}")
    session = await person.start(start_url=address, **options)
    url = person.home.url("localhost", f"/pages/state.html?at={canary}")
    await person.do(session, "navigate", url=url)
    await person.js(session, f"document.title = '{canary}', keep('{canary}')")
    await person.js(session, f"console.error('{canary}')")
    await person.do(session, "navigate", url=person.home.url("localhost", f"/pages/forms.html?{canary}#{canary}"))
    await person.do(session, "type", selector="#name", text=canary)
    failed = await person.ask("POST", f"/sessions/{session['id']}/click", {"selector": f"#{canary}", "timeout_ms": 100})
    assert not failed["success"]
    refused = await person.ask("POST", f"/sessions/{session['id']}/navigate", {"url": f"http://{canary}.blocked.test/"})
    assert not refused["success"]
    for href in ("data:,x", f"/download/{canary}.bin"):
        await person.js(session, DOWNLOAD % (href, canary))
    if session["private"]:
        await kept(person, session, canary)
    for path in ("observe", "network_log", "action_log", "console_log", "title"):
        await person.ask("GET", f"/sessions/{session['id']}/{path}")
    await person.ask("GET", f"/sessions/{session['id']}/screenshot")
    return session


@pytest.mark.parametrize("how", ["session", pytest.param("profile", marks=pytest.mark.long)])
@pytest.mark.promise("private-leaves-nothing")
async def test_nothing_of_a_private_session_stays(lasting: Person, how: str) -> None:
    canary, first, refused = (f"{name}{secrets.token_hex(8)}" for name in ("canary", "first", "refused"))
    profile_id = await lasting.new_profile(private=how == "profile")
    use = {"profile": {"id": profile_id, "save": True}} if how == "profile" else {"private": True}
    session = await live(lasting, canary, **use)
    assert session["private"]
    # One that is not private shows that the search finds what there is to find.
    other = await lasting.start(start_url=lasting.home.url("localhost", f"/page?{first}"))
    await lasting.ask("POST", f"/sessions/{other['id']}/navigate", {"url": f"http://{refused}.blocked.test/"})
    await lasting.end(other)

    files = (await lasting.ask("GET", f"/sessions/{session['id']}/downloads"))["artifacts"]
    shown = await lasting.end(session)
    for artifact in files:
        await lasting.ask("GET", f"/artifacts/{artifact['id']}", status=404)
    assert not any(path.is_file() for path in (lasting.daemon.state_dir / "artifacts").rglob("*"))
    assert canary not in json.dumps(await lasting.ask("GET", f"/sessions/{session['id']}"))
    assert canary not in json.dumps(shown)
    assert (await lasting.ask("GET", f"/profiles/{profile_id}"))["revision"] == 0
    before = where_found(lasting.daemon.directory, forms(canary))
    await lasting.daemon.terminate()
    assert before + where_found(lasting.daemon.directory, forms(canary)) == []
    assert canary not in json.dumps(lasting.daemon.log)
    for left in (first, refused):
        assert where_found(lasting.daemon.directory, forms(left)) != []
