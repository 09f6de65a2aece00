"""An agent that begins with its browser at rest, so that the profile can be put in place before there is one."""

import io
import json
import tarfile
from typing import Any

from cloche.testing.agent_http import b64, decode
from cloche.wire.upload import encode_begin, encode_data, encode_finish

from .conftest import Agent, Message


def post(agent: Agent, target: str, body: bytes = b"{}") -> tuple[int, Any]:
    head = f"POST {target} HTTP/1.1\r\nHost: agent\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with agent.open_stream(b'{"stream":"http"}\n', head + body) as stream, stream.makefile("rb") as file:
        assert json.loads(file.readline()) == {"ok": True}
        reply = decode(file.read())
    return reply.status, reply.json


def get(agent: Agent, target: str) -> tuple[int, bytes]:
    reply = decode(agent.get(target))
    return reply.status, reply.body


def archive(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return (
        encode_begin(0)
        + encode_data(buffer.getvalue())
        + encode_finish({"dest_b64": b64(b"/profile"), "replace": True})
    )


def registered(host: Any) -> tuple[Any, Message]:
    link = host.accept()
    return link, link.read()["payload"]


def test_it_says_that_its_browser_is_at_rest_and_starts_it_when_it_is_asked(host, start_agent) -> None:
    agent = start_agent(browser={"at_rest": True}, heartbeat_interval_s=0.05)
    link, register = registered(host)
    assert register["browser"] == {"state": "stopped", "reason": "at_rest", "restarts": 0}
    assert link.read_until("heartbeat")["payload"]["browser_alive"] is False
    assert agent.descendants() == []
    answer, devtools = agent.ask(**{"stream": "devtools", "pass": True, "wait_s": 5})
    assert (answer["code"], devtools) == ("browser_stopped", None), "nobody waits for what nobody has asked for"
    status, started = post(agent, "/browser/start")
    assert (status, started["restored_tabs"]) == (200, 0)
    link.read_until("browser", state="starting")
    assert link.read_until("browser", state="ready")["payload"]["pid"] == started["browser"]["pid"]
    assert post(agent, "/browser/start")[1]["code"] == "browser_running"


def test_a_browser_that_was_at_rest_is_kept_like_any_other(host, start_agent, crash) -> None:
    agent = start_agent(browser={"at_rest": True})
    link, _ = registered(host)
    post(agent, "/browser/start")
    crash(agent)
    assert link.read_until("browser", state="exited")["payload"]["reason"] == "crashed"
    link.read_until("browser", state="restarting")
    link.read_until("browser", state="ready")


def test_a_first_start_that_fails_is_told_and_leaves_it_at_rest(host, start_agent) -> None:
    agent = start_agent(browser={"at_rest": True, "executable": "/nowhere/browser"})
    link, _ = registered(host)
    status, failed = post(agent, "/browser/start")
    assert (status, failed["code"], failed["phase"]) == (409, "restart_failed", "start")
    link.read_until("browser", state="stopped")
    assert agent.process.poll() is None
    link.send("shutdown")
    assert agent.exit_code() == 0


def test_the_end_comes_at_once_where_no_browser_was_ever_started(host, start_agent) -> None:
    agent = start_agent(browser={"at_rest": True})
    link, _ = registered(host)
    link.send("shutdown")
    assert link.read_until("deregister")["payload"]["cause"] == "host"
    assert agent.exit_code() == 0


def test_a_profile_goes_in_and_comes_out_without_the_rest_of_the_machine(host, start_agent, tmp_path) -> None:
    agent = start_agent(
        browser={"at_rest": True, "carries_profile": True}, staging_dir=str(tmp_path / "staging"), machine=False
    )
    registered(host)
    (tmp_path / "profile").mkdir()
    files = {
        "Local State": b"{}",
        "Default/Cookies": b"c",
        "Default/Cache/Cache_Data/f_1": b"x" * 9999,
        "Default/Service Worker/ScriptCache/1_0": b"script",
        "Default/Extensions/e/1.0/Cache/kept": b"an extension's own",
    }
    assert post(agent, "/fs/upload_tar", archive(files))[0] == 201
    status, whole = get(agent, "/fs/download_dir_tar?path=/profile")
    assert (status, names(whole)) == (200, set(files))
    status, without = get(agent, "/fs/download_dir_tar?path=/profile&without=caches")
    assert names(without) == set(files) - {"Default/Cache/Cache_Data/f_1"}
    assert get(agent, "/fs/download_dir_tar?path=/profile&without=cookies")[0] == 400
    assert get(agent, "/fs/download_dir_tar?path=/workspace")[0] == 400
    assert get(agent, "/fs/download_dir_tar?path=relative")[0] == 400
    assert get(agent, "/fs/download_dir_zip?path=/profile")[0] == 404
    assert get(agent, "/fs/list?path=/profile")[0] == 404
    assert post(agent, "/process/exec")[0] == 404
    assert post(agent, "/browser/start")[0] == 200
    assert post(agent, "/fs/upload_tar", archive(files))[1]["code"] == "browser_running"


def test_a_profile_stays_where_it_is_unless_its_host_keeps_it(host, start_agent) -> None:
    agent = start_agent(browser={"at_rest": True}, machine=False)
    registered(host)
    assert get(agent, "/fs/download_dir_tar?path=/profile")[0] == 404


def names(data: bytes) -> set[str]:
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return {member.name for member in tar if member.isfile()}
