"""The agent alone: start to register, memory, idle CPU, pings, and file events watched without loss. No browser."""

import argparse
import subprocess
import threading
import time
from contextlib import nullcontext

from agent_process import PYTHON, Agent, Stage, ask, connect
from figures import Samples, machine, table
from processes import pss_mb

PORT = 52
LOSS_PATIENCE_S = 5.0
WAYS = ("zipapp", "zipapp, -c", "source", "minimal asyncio")


def starts(rounds: int) -> None:
    """Every way to start, one after the other and in turns, beside a Python that does nothing."""
    kinds = ("python -IS -c pass", *WAYS, "under a daemon (--config-fd)")
    found = {kind: Samples() for kind in kinds}
    with Stage() as stage:
        commands = stage.commands()
        for number in range(rounds):
            for kind in kinds if number % 2 else reversed(kinds):
                if kind in commands:
                    with stage.run(commands[kind]) as agent:
                        found[kind].add(agent.start_ms)
                elif kind == kinds[0]:
                    begun = time.perf_counter()
                    subprocess.run([PYTHON, "-IS", "-c", "pass"], check=True)
                    found[kind].add((time.perf_counter() - begun) * 1000)
                else:
                    with stage.configured() as (command, fds), stage.run(command, fds) as agent:
                        found[kind].add(agent.start_ms)
    floor = found[kinds[0]].p50
    rows = [[kind, min(s.values), s.p50, s.p95, s.p50 - floor] for kind, s in found.items()]
    print(f"\n### Start to register, {rounds} rounds, ms\n")
    print(table(["", "least", "p50", "p95", "p50 above bare Python"], rows))


def idle(settle_s: float, measured_s: float) -> None:
    """Memory after a while, then processor time over a longer one; all agents side by side."""
    with Stage() as plain, Stage() as checking, Stage() as least:
        checking.add_probes(5, interval_s=30)
        commands = {
            "no watcher, no checks": (plain, [*plain.commands()["zipapp"], "--no-watch"]),
            "watcher, 5 probes at 30 s, guest protocol": (
                checking,
                [*checking.commands()["zipapp"], f"--listen=unix:{checking.guest}"],
            ),
            "minimal asyncio": (least, least.commands()["minimal asyncio"]),
        }
        agents: dict[str, Agent] = {}
        try:
            for name, (stage, command) in commands.items():
                agents[name] = stage.run(command)
            rows = measure_idle(agents, settle_s, measured_s)
        finally:
            for agent in agents.values():
                agent.stop()
    print(f"\n### Idle: memory after {settle_s:.0f} s, CPU over {measured_s:.0f} s\n")
    print(table(["", "PSS, MiB", "agent's CPU, %", "its commands' CPU, %"], rows))


def measure_idle(agents: dict[str, Agent], settle_s: float, measured_s: float) -> list[list[object]]:
    time.sleep(settle_s)
    sizes = {name: pss_mb({agent.process.pid}) for name, agent in agents.items()}
    before = {name: agent.cpu_s() for name, agent in agents.items()}
    begun = time.monotonic()
    time.sleep(measured_s)
    took = time.monotonic() - begun
    after = {name: agent.cpu_s() for name, agent in agents.items()}
    return [
        [name, sizes[name], *((after[name][part] - before[name][part]) * 100 / took for part in (0, 1))]
        for name in agents
    ]


def pings(count: int) -> None:
    """Round trips of `Ping`, on one connection and on a new one each, at once and behind `CONNECT`."""
    kinds = {"one connection": None, "a connection each": None, "a connection each, CONNECT": PORT}
    found = {kind: Samples() for kind in kinds}
    with Stage() as stage, stage.run([*stage.commands()["zipapp"], f"--listen=unix:{stage.guest}"]):
        kept = connect(stage.guest)
        for _ in range(count):
            for kind, port in kinds.items():
                begun = time.perf_counter()
                with connect(stage.guest, port) if kind != "one connection" else nullcontext(kept) as sock:
                    assert ask(sock, "Ping") == "Pong"
                found[kind].add((time.perf_counter() - begun) * 1000)
        kept.close()
    print(f"\n### Ping, {count} of each, ms\n")
    print(table(["", "p50", "p95"], [[kind, s.p50, s.p95] for kind, s in found.items()]))


def file_events(count: int) -> None:
    """Make files as fast as it goes, in ten directories made on the way, and count what is told of them."""
    with Stage() as stage, stage.run(stage.commands()["zipapp"]) as agent:
        wait_until_watching(stage, agent)
        names = {f"d{number % 10}/f{number}" for number in range(count)}
        begun = time.perf_counter()
        writer = threading.Thread(target=make_files, args=(stage, sorted(names)))
        writer.start()
        told, rescans, events, last = set[str](), 0, 0, begun
        for message in agent.messages(LOSS_PATIENCE_S):
            if message["type"] != "fs_event":
                continue
            event = message["payload"]
            events, rescans = events + 1, rescans + bool(event.get("rescan"))
            if event["operation"] == "create" and event["path"] in names and event["path"] not in told:
                told.add(event["path"])
                last = time.perf_counter()
            if len(told) == count:
                break
        writer.join()
    print(f"\n### File events, a burst of {count} files\n")
    head = ["events", "files told", "lost", "rescans", "files per second"]
    print(table(head, [[events, len(told), count - len(told), rescans, len(told) / (last - begun)]]))


def wait_until_watching(stage: Stage, agent: Agent) -> None:
    (stage.workspace / "first").touch()
    for message in agent.messages(LOSS_PATIENCE_S):
        if message["type"] == "fs_event" and message["payload"]["path"] == "first":
            return
    raise RuntimeError("the workspace is not watched")


def make_files(stage: Stage, names: list[str]) -> None:
    for name in names:
        path = stage.workspace / name
        path.parent.mkdir(exist_ok=True)
        path.touch()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--settle-s", type=float, default=10)
    parser.add_argument("--idle-s", type=float, default=60)
    parser.add_argument("--pings", type=int, default=1000)
    parser.add_argument("--files", type=int, default=20_000)
    options = parser.parse_args()
    print(f"Machine: {machine()}")
    starts(options.rounds)
    idle(options.settle_s, options.idle_s)
    pings(options.pings)
    file_events(options.files)


if __name__ == "__main__":
    main()
