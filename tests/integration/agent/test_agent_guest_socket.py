"""Streams on the guest socket: descriptors handed over, bytes copied, the machine API, and peers that misbehave."""

import json
import os
import socket
import time

import pytest


def _ready(host, start_agent, **changes):
    agent = start_agent(**changes)
    host.accept().read_until("browser", state="ready")
    return agent


def _ask_version(devtools: socket.socket) -> dict:
    devtools.settimeout(5)
    devtools.sendall(b"GET /json/version HTTP/1.1\r\n\r\n")
    with devtools.makefile("rb") as file:
        return json.loads(file.read().partition(b"\r\n\r\n")[2])


def test_a_devtools_stream_hands_over_a_connection_to_the_browser(host, start_agent) -> None:
    agent = _ready(host, start_agent)
    answer, devtools = agent.ask(**{"stream": "devtools", "pass": True})
    with devtools:
        assert answer["ok"] is True
        assert answer["devtools_path"].startswith("/devtools/browser/")
        assert devtools.getsockopt(socket.SOL_SOCKET, socket.SO_DOMAIN) == socket.AF_INET
        assert devtools.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE) == socket.SOCK_STREAM
        assert devtools.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) == 0
        assert devtools.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1
        assert _ask_version(devtools)["webSocketDebuggerUrl"].endswith(answer["devtools_path"])


def test_the_egress_stream_hands_over_the_listening_proxy_port_as_often_as_asked(host, start_agent) -> None:
    agent = start_agent()
    for _ in range(3):
        answer, listener = agent.ask(**{"stream": "egress", "pass": True})
        assert answer == {"ok": True}
        with listener:
            assert listener.getsockopt(socket.SOL_SOCKET, socket.SO_DOMAIN) == socket.AF_INET
            assert listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) == 1
            assert listener.getsockname()[0] == "127.0.0.1"
            listener.settimeout(5)
            with socket.create_connection(listener.getsockname()) as client:
                inside, _ = listener.accept()
                with inside:
                    inside.sendall(b"hello")
                assert client.recv(5) == b"hello"


def test_a_guest_stream_speaks_the_guest_protocol_for_as_long_as_the_host_likes(host, start_agent) -> None:
    agent = start_agent()
    with agent.conversation() as conversation, agent.conversation() as other:
        assert conversation.ask("Ping") == "Pong"
        assert other.ask("WorkerStatus")["WorkerStatus"].keys() == {"status", "last_busy_at"}
        assert conversation.ask("ProbeStatus") == {"ProbeStatusReport": {"probes": []}}
        assert conversation.ask("Nonsense").keys() == {"Error"}
        assert other.ask("Ping") == "Pong"


def test_a_request_may_come_in_one_breath_with_the_preface(host, start_agent) -> None:
    with start_agent(temper=None).open_stream(b'{"stream":"guest"}\n\0\0\0\6"Ping"') as stream:
        stream.shutdown(socket.SHUT_WR)
        assert stream.makefile("rb").read() == b'{"ok":true}\n\0\0\0\6"Pong"'


def test_what_serves_the_guest_protocol_is_loaded_with_its_first_stream(host, start_agent, monkeypatch) -> None:
    monkeypatch.setenv("PYTHONPROFILEIMPORTTIME", "1")
    agent = start_agent()
    host.accept().read_until("browser", state="ready")
    needless = {"guest_side", "guest_protocol", "checks", "sleep", "watch", "child", "options"}
    loaded = set(agent.log.read_text().split())
    assert "cloche.agent.lifecycle" in loaded
    assert not {f"cloche.agent.{name}" for name in needless} & loaded
    tasks = agent.get_json("/metrics")["goroutines"]
    with agent.conversation() as conversation:
        assert conversation.ask("Ping") == "Pong"
    assert "cloche.agent.guest_side" in agent.log.read_text()
    assert agent.get_json("/metrics")["goroutines"] > tasks


def test_conversations_that_last_make_no_room_for_newcomers_and_take_none_from_them(host, start_agent) -> None:
    agent = start_agent(temper=None)
    with agent.conversation() as first:
        assert first.ask("Ping") == "Pong"
        silent = [agent.open_stream() for _ in range(70)]
        try:
            assert agent.get_json("/health")["pid"] == agent.process.pid
            assert first.ask("Ping") == "Pong"
        finally:
            for stream in silent:
                stream.close()


def test_exec_on_a_guest_stream_needs_the_daemons_switch_and_its_policy(host, start_agent) -> None:
    request = {"Exec": {"argv": ["/bin/echo", "two words"]}}
    for changes in ({}, {"exec_enabled": True}, {"exec_allowed": True}):
        with start_agent(temper=None, **changes).conversation() as conversation:
            assert conversation.ask(request).keys() == {"Error"}
    with start_agent(temper=None, exec_enabled=True, exec_allowed=True).conversation() as conversation:
        assert conversation.ask(request)["ExecResult"]["stdout"] == "two words\n"


def test_a_command_that_runs_for_a_conversation_ends_with_the_agent(host, start_agent, tmp_path) -> None:
    agent = start_agent(temper="stubborn", exec_enabled=True, exec_allowed=True, browser={"stop_grace_s": 0.2})
    link = host.accept()
    link.read_until("browser", state="ready")
    os.mkfifo(tmp_path / "started")
    with agent.conversation() as conversation:
        conversation.send({"Exec": {"argv": ["/bin/sh", "-c", f"echo $$ > {tmp_path}/started; exec sleep 60"]}})
        pid = int((tmp_path / "started").read_text())
        link.send("shutdown")
        assert link.rest()[-1]["type"] == "deregister"
    assert agent.exit_code() == 0
    assert not os.path.exists(f"/proc/{pid}")


def test_without_pass_the_agent_copies_bytes_both_ways(host, start_agent) -> None:
    agent = _ready(host, start_agent)
    preface = b'{"stream":"devtools"}\n'
    with agent.open_stream(preface + b"GET /json/version HTTP/1.1\r\n\r\n") as stream, stream.makefile("rb") as file:
        assert json.loads(file.readline())["ok"] is True
        assert b"FakeChrome" in file.read()


def test_a_dial_before_the_browser_is_ready_waits_for_it(host, start_agent) -> None:
    answer, devtools = start_agent().ask(**{"stream": "devtools", "pass": True, "wait_s": 5})
    assert answer["ok"] is True
    devtools.close()


@pytest.mark.parametrize("temper", ["hang", None], ids=["not ready", "none to supervise"])
def test_without_a_browser_in_time_the_answer_says_so(host, start_agent, temper) -> None:
    answer, devtools = start_agent(temper=temper).ask(**{"stream": "devtools", "pass": True, "wait_s": 0.05})
    assert devtools is None
    assert (answer["ok"], answer["code"]) == (False, "browser_unavailable")


@pytest.mark.parametrize(
    ("preface", "code"),
    [
        (b"\n", "bad_preface"),
        (b"GET / HTTP/1.1\r\n", "bad_preface"),
        (b"[" * 900 + b"\n", "bad_preface"),
        (b'{"stream":"files"}\n', "bad_preface"),
        (b'{"stream":"devtools","wait_s":61}\n', "bad_preface"),
        (b'{"stream":"devtools","pass":1}\n', "bad_preface"),
        (b"x" * 1025, "bad_preface"),
        (b'{"stream":"egress"}\n', "unsupported"),
    ],
)
def test_a_preface_that_will_not_do_is_answered_with_a_code(host, start_agent, preface, code) -> None:
    with start_agent(temper=None).open_stream(preface) as stream:
        answer = json.loads(stream.makefile("rb").readline())
    assert (answer["ok"], answer["code"]) == (False, code)


def test_silent_peers_hold_up_nobody_and_the_oldest_makes_room(host, start_agent) -> None:
    agent = start_agent()
    silent = [agent.open_stream() for _ in range(70)]
    try:
        assert agent.get_json("/health")["pid"] == agent.process.pid
        assert silent[0].recv(1) == b""
        silent[-1].sendall(b'{"stream":"egress","pass":true}\n')
        data, (fd,), _, _ = socket.recv_fds(silent[-1], 100, 1)
        os.close(fd)
        assert json.loads(data) == {"ok": True}
    finally:
        for stream in silent:
            stream.close()


def test_peers_that_hang_up_mid_way_leave_no_descriptor_behind(host, start_agent) -> None:
    agent = _ready(host, start_agent)
    before = len(os.listdir(f"/proc/{agent.process.pid}/fd"))
    for preface in (b"", b'{"stream":', b'{"stream":"devtools"}\n', b'{"stream":"http"}\nGET /hea'):
        for _ in range(5):
            agent.open_stream(preface).close()
    give_up_at = time.monotonic() + 5
    while len(os.listdir(f"/proc/{agent.process.pid}/fd")) > before and time.monotonic() < give_up_at:
        agent.get("/health")
    assert len(os.listdir(f"/proc/{agent.process.pid}/fd")) <= before


def test_the_machine_api_tells_health_metrics_and_processes(host, start_agent) -> None:
    agent = _ready(host, start_agent)
    assert agent.get_json("/health").keys() >= {"status", "browser_alive", "cpu_percent", "memory_mb", "pid"}
    assert agent.get_json("/metrics?fresh=1").keys() >= {"disk_total_mb", "goroutines", "open_files"}
    rows = agent.get_json("/processes")["processes"]
    assert {row["pid"] for row in rows} == {agent.process.pid, *agent.descendants()}
    assert rows[0].keys() == {"pid", "ppid", "name", "state", "cpu_seconds", "memory_mb", "part"}


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /nowhere HTTP/1.1\r\n\r\n", b"404 Not Found"),
        (b"POST /health HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}", b"405 Method Not Allowed"),
        (b"GET /health\r\n\r\n", b"400 Bad Request"),
        (b"\x00\xff /health HTTP/1.1\r\n\r\n", b"400 Bad Request"),
        (b"GET /health HTTP/1.1\r\nX: " + b"y" * 18_000, b"431 Request Header Fields Too Large"),
    ],
)
def test_a_request_that_will_not_do_gets_its_status(host, start_agent, request_, status) -> None:
    with start_agent(temper=None).open_stream(b'{"stream":"http"}\n' + request_) as stream:
        _, _, response = stream.makefile("rb").read().partition(b"\n")
    head, _, body = response.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 " + status)
    assert f"Content-Length: {len(body)}".encode() in head
