"""The link under good and bad hosts: redial, lease, garbage, floods, stalls, and every way to end."""

import json
import os
import signal
import socket

import pytest

GARBAGE = [
    b"\xff\xfe\x00 not json\n",
    b"[]\n",
    b'"shutdown"\n',
    b"{{{{\n",
    b"[" * 20_000 + b"\n",
    b'{"id": 7, "type": "health_check"}\n',
    b'{"id": "x", "type": 7}\n',
    b'{"id": "x", "type": "health_check", "payload": []}\n',
    b'{"id": "x", "type": "no_such_command"}\n',
    b'{"id": "x", "type": "lease", "payload": {"ttl_s": "long"}}\n',
    b'{"id": "x", "type": "lease", "payload": {"ttl_s": -1}}\n',
    b'{"id": "x", "type": "lease"}\n',
    b'{"id": "x", "type": "' + b"y" * 70_000 + b'"}\n',
]


@pytest.mark.parametrize("line", GARBAGE, ids=range(len(GARBAGE)))
def test_a_command_that_will_not_do_gets_an_error_and_the_next_one_its_answer(host, start_agent, line) -> None:
    start_agent(temper=None)
    link = host.accept()
    link.sock.sendall(line)
    assert link.read_until("error")["payload"]["code"] == "bad_command"
    link.send("health_check", "after")
    assert link.read_until("health_response")["request_id"] == "after"


def test_an_error_names_the_command_where_it_had_an_id(host, start_agent) -> None:
    start_agent(temper=None)
    link = host.accept()
    link.send("make_coffee", "c-1")
    error = link.read_until("error")
    assert error["request_id"] == "c-1"
    assert "make_coffee" in error["payload"]["message"]


def test_half_a_line_loses_only_itself(host, start_agent) -> None:
    start_agent(temper=None)
    link = host.accept()
    link.sock.sendall(b'{"id": "half", "type": \n')
    link.send("health_check", "a")
    link.send("health_check", "b")
    assert link.read_until("error")
    assert [link.read_until("health_response")["request_id"] for _ in range(2)] == ["a", "b"]


def test_commands_may_come_back_to_back_and_in_pieces(host, start_agent) -> None:
    start_agent(temper=None)
    link = host.accept()
    stream = b'{"id":"1","type":"health_check"}{"id":"2",\n "type":"collect_metrics"}  {"id":"3","type":"health_check"}'
    for at in range(0, len(stream), 7):
        link.sock.sendall(stream[at : at + 7])
    assert link.read_until("health_response")["request_id"] == "1"
    assert link.read_until("metrics_response")["request_id"] == "2"
    assert link.read_until("health_response")["request_id"] == "3"


def test_a_flood_of_commands_is_answered_whole_and_in_order(host, start_agent) -> None:
    start_agent(temper=None, heartbeat_interval_s=3600)
    link = host.accept()
    commands = b"".join(json.dumps({"id": str(n), "type": "health_check"}).encode() for n in range(3000))
    writer = os.fork()
    if writer == 0:
        link.sock.settimeout(30)
        link.sock.sendall(commands)
        os._exit(0)
    answers = [link.read_until("health_response")["request_id"] for _ in range(3000)]
    os.waitpid(writer, 0)
    assert answers == [str(n) for n in range(3000)]


def test_a_host_that_does_not_read_holds_up_neither_the_browser_nor_the_end(host, start_agent) -> None:
    agent = start_agent(heartbeat_interval_s=0.001, metrics_interval_s=0.001)
    link = host.accept()
    link.read_until("browser", state="ready")
    link.sock.setblocking(False)
    with pytest.raises(BlockingIOError):  # until neither side takes more
        while True:
            link.sock.send(b'{"id":"1","type":"health_check"}' * 100)
    assert agent.get_json("/health")["status"] == "healthy"
    agent.signal(signal.SIGTERM)
    assert agent.exit_code() == 0


def test_a_host_that_comes_back_gets_a_new_register_with_the_present_browser(host, start_agent, crash) -> None:
    agent = start_agent()
    first = host.accept().read_until("browser", state="ready")["payload"]
    host.vanish()
    crash(agent)
    answer = first
    while answer["devtools_path"] == first["devtools_path"]:  # it may still be dying
        answer, devtools = agent.ask(**{"stream": "devtools", "pass": True, "wait_s": 5})
        devtools.close()
    host.listen()
    register = host.accept().read()
    assert register["type"] == "register"
    assert register["payload"]["browser"]["devtools_path"] == answer["devtools_path"]
    assert register["payload"]["browser"]["restarts"] == 1


def test_an_agent_that_starts_before_its_host_waits_for_it(host, start_agent) -> None:
    host.vanish()
    agent = start_agent(temper=None)
    assert agent.get_json("/health")["pid"] == agent.process.pid
    host.listen()
    assert host.accept().read()["type"] == "register"


def test_a_host_that_hangs_up_after_each_accept_is_not_dialled_in_a_busy_loop(host, start_agent) -> None:
    agent = start_agent(temper=None)
    before = _cpu_ticks(agent.process.pid)
    for _ in range(20):
        host.accept().close()
    assert _cpu_ticks(agent.process.pid) - before < os.sysconf("SC_CLK_TCK")


def test_when_the_lease_runs_out_the_agent_ends_itself_and_its_browser(host, start_agent) -> None:
    agent = start_agent(lease_s=1.0)
    link = host.accept()
    browser = link.read_until("browser", state="ready")["payload"]["pid"]
    assert link.read_until("deregister")["payload"] == {"reason": "shutdown", "cause": "lease"}
    assert agent.exit_code() == 0
    assert not os.path.exists(f"/proc/{browser}")


def test_a_lease_runs_out_also_where_there_never_was_a_host(host, start_agent) -> None:
    host.vanish()
    assert start_agent(lease_s=0.3).exit_code() == 0


def test_a_renewed_lease_keeps_the_agent(host, start_agent) -> None:
    agent = start_agent(lease_s=0.6, heartbeat_interval_s=0.1)
    link = host.accept()
    link.send("lease", ttl_s=3600)
    while link.read_until("heartbeat")["payload"]["uptime_seconds"] < 1.0:
        assert agent.process.poll() is None
    link.send("lease", ttl_s=0.1)
    assert link.read_until("deregister")["payload"]["cause"] == "lease"


@pytest.mark.parametrize(
    ("end", "cause"),
    [
        (lambda agent, link: link.send("shutdown"), "host"),
        (lambda agent, link: agent.signal(signal.SIGTERM), "sigterm"),
        (lambda agent, link: agent.signal(signal.SIGINT), "sigint"),
    ],
    ids=["host", "sigterm", "sigint"],
)
def test_each_way_to_end_stops_the_browser_deregisters_and_exits_zero(host, start_agent, end, cause) -> None:
    agent = start_agent()
    link = host.accept()
    browser = link.read_until("browser", state="ready")["payload"]["pid"]
    end(agent, link)
    *_, stopped, heartbeat, deregister = link.rest()
    assert stopped["payload"]["reason"] == "stopped"
    assert heartbeat["payload"]["browser_alive"] is False
    assert deregister["type"] == "deregister"
    assert deregister["payload"] == {"reason": "shutdown", "cause": cause}
    assert agent.exit_code() == 0
    assert not os.path.exists(f"/proc/{browser}")


def test_a_browser_that_ignores_sigterm_is_killed_after_the_grace(host, start_agent) -> None:
    agent = start_agent("stubborn", browser={"stop_grace_s": 0.2})
    link = host.accept()
    link.read_until("browser", state="ready")
    agent.signal(signal.SIGTERM)
    exited = link.read_until("browser", state="exited")["payload"]
    assert (exited["reason"], exited["signal"]) == ("stopped", signal.SIGKILL)
    assert agent.exit_code() == 0


def test_a_second_signal_ends_the_grace(host, start_agent) -> None:
    agent = start_agent("stubborn", browser={"stop_grace_s": 60}, heartbeat_interval_s=0.05)
    link = host.accept()
    link.read_until("browser", state="ready")
    agent.signal(signal.SIGTERM)
    # The first must have been taken before the second is sent, or the kernel makes one of them.
    while b"shutting down" not in agent.log.read_bytes():
        link.read_until("heartbeat")
    agent.signal(signal.SIGTERM)
    assert agent.exit_code() == 0


def test_signals_end_an_agent_whose_host_is_gone(host, start_agent) -> None:
    agent = start_agent()
    host.accept().read_until("browser", state="ready")
    host.vanish()
    agent.signal(signal.SIGTERM)
    assert agent.exit_code() == 0


def test_a_host_that_answers_only_during_the_end_still_hears_of_it(host, start_agent) -> None:
    host.vanish()
    agent = start_agent("stubborn", browser={"stop_grace_s": 0.5})
    agent.ask(**{"stream": "devtools", "pass": True, "wait_s": 5})[1].close()
    agent.signal(signal.SIGTERM)
    host.listen()
    link = host.accept()
    assert link.read()["type"] == "register"
    assert link.read_until("deregister")["payload"]["cause"] == "sigterm"


def test_a_text_that_is_half_a_surrogate_pair_is_echoed_and_breaks_nothing(host, start_agent) -> None:
    start_agent(temper=None)
    link = host.accept()
    link.sock.sendall(b'{"id":"\\ud800","type":"health_check"}\n')
    assert link.read_until("health_response")["request_id"] == "\ud800"


def test_a_full_backlog_of_the_host_is_waited_out(host, start_agent) -> None:
    host.vanish()
    host._listener = socket.socket(socket.AF_UNIX)
    host._listener.bind(str(host.path))
    host._listener.listen(0)
    host._listener.settimeout(5)
    with socket.socket(socket.AF_UNIX) as filler:
        filler.connect(str(host.path))
        start_agent(temper=None)
        host._listener.accept()[0].close()
        assert host.accept().read()["type"] == "register"


def _cpu_ticks(pid: int) -> int:
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rpartition(") ")[2].split()
    return int(fields[11]) + int(fields[12])
