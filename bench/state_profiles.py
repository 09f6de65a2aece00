"""Profiles out and back, beside `tar | zstd | openssl enc` over the same files; and sessions that start from one."""

import contextlib
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from cloche.client.answers import Event, Session
from cloche.client.sync import SyncClient
from cloche.testing.daemon import DaemonProcess
from figures import Samples, table
from machine_session import GIB, MIB, PYTHON_INSIDE

# What a browser keeps: databases, three fifths of them packed already. The same seed makes the same everywhere.
MAKE = """
import os, random, sys
root, total = sys.argv[1], int(sys.argv[2])
r = random.Random(7)
words = ["".join(r.choices("abcdefghijklmnopqrstuvwxyz", k=r.randint(2, 11))) for _ in range(3000)]
pool = " ".join(r.choices(words, k=2_000_000)).encode()
made = number = 0
while made < total:
    size = min(int(r.paretovariate(1.1) * 12000), 4 << 20, total - made)
    start = r.randrange(len(pool) - size)
    data = r.randbytes(size) if r.random() < 0.6 else pool[start : start + size]
    place = f"{root}/https_site{number % 7}.test_0.indexeddb.leveldb"
    os.makedirs(place, exist_ok=True)
    with open(f"{place}/{number:06}.ldb", "wb") as file:
        file.write(data)
    made, number = made + size, number + 1
print(number)
"""
INSIDE = "/data/profile/Default/IndexedDB"
PASSPHRASE = "not a secret"
CIPHER = f"openssl enc -aes-256-ctr -pbkdf2 -pass 'pass:{PASSPHRASE}'"


def compare(daemon: DaemonProcess, rounds: int, size_mb: int) -> None:
    """A session's save against the shell's, and the way back."""
    with (
        tempfile.TemporaryDirectory(dir="/dev/shm") as shm,
        tempfile.TemporaryDirectory() as disk,
        client(daemon) as api,
    ):
        outside = Path(shm, "data")
        subprocess.run(["python3", "-c", MAKE, str(outside), str(size_mb * MIB)], check=True, stdout=subprocess.DEVNULL)
        profile = api.profiles.create("bench")
        session = start(api, profile=profile.id)
        fill(api, session.id, size_mb)
        empty = api.profiles.create("empty")
        api.sessions.close(start(api, profile=empty.id).id)
        found = {name: Samples() for name in ("shell: save", "Cloche: save", "shell: restore", "Cloche: restore")}
        with contextlib.ExitStack() as watching:
            for number in range(rounds + 1):
                if number == 1:  # the round before has loaded what is loaded once
                    grown = watching.enter_context(peak_of(daemon.pid))
                took = {"shell: save": shell(f"tar -C {outside} -cf - . | zstd -q -3 | {CIPHER} > {disk}/sealed")}
                took["Cloche: save"] = saved(api, session.id)
                Path(shm, "back").mkdir()
                took["shell: restore"] = shell(f"{CIPHER} -d -in {disk}/sealed | zstd -q -d | tar -C {shm}/back -xf -")
                subprocess.run(["rm", "-r", f"{shm}/back"], check=True)
                took["Cloche: restore"] = restored(api, profile.id) - restored(api, empty.id)
                for name, seconds in took.items() if number else ():
                    found[name].add(seconds * 1000)
        api.sessions.close(session.id)
    print(f"\n### A profile of {size_mb} MB, ms, {rounds} rounds\n")
    rows = []
    for act in ("save", "restore"):
        theirs, ours = found[f"shell: {act}"], found[f"Cloche: {act}"]
        rows.append([act, theirs.p50, theirs.p95, ours.p50, ours.p95, f"{ours.p50 / theirs.p50:.2f}"])
    print(table(["", "tar, zstd, openssl p50", "p95", "Cloche p50", "p95", "ratio"], rows))
    print(f"\nThe daemon's memory grew by {grown[0] / MIB:.1f} MiB at most.")


def starts(daemon: DaemonProcess, rounds: int, size_mb: int) -> None:
    """Sessions from a profile that was used just before, beside sessions from none."""
    with client(daemon) as api:
        profile = api.profiles.create("warm")
        session = start(api, profile=profile.id)
        fill(api, session.id, size_mb)
        api.sessions.close(session.id)
        found = {"without": Samples(), f"from a profile of {size_mb} MB": Samples()}
        for number in range(rounds + 1):
            for name, use in zip(found, ({}, {"profile": {"id": profile.id}}), strict=True):
                began = time.perf_counter()
                made = api.sessions.create(**use)  # type: ignore[typeddict-item, arg-type] - one of the two above
                took = time.perf_counter() - began
                api.sessions.close(made.id)
                if number:
                    found[name].add(took * 1000)
    print(f"\n### Until a session is ready, ms, {rounds} rounds\n")
    print(table(["", "p50", "p95"], [[name, samples.p50, samples.p95] for name, samples in found.items()]))
    without, with_ = found.values()
    print(f"\nThe profile takes {with_.p50 - without.p50:.0f} ms more.")


@contextlib.contextmanager
def client(daemon: DaemonProcess) -> Iterator[SyncClient]:
    with SyncClient(daemon.base_url, daemon.key, timeout_s=120) as api:
        yield api


def start(api: SyncClient, *, profile: str) -> Session:
    budget = {"memory_bytes": 2 * GIB, "disk_bytes": GIB}
    return api.sessions.create(machine=True, budget=budget, profile={"id": profile, "save": True})


def fill(api: SyncClient, session_id: str, size_mb: int) -> None:
    argv = [PYTHON_INSIDE, "-c", MAKE, INSIDE, str(size_mb * MIB)]
    made = api.sessions.machine(session_id).exec(argv, timeout_sec=300)
    if made.exit_code != 0:
        raise RuntimeError(f"the files could not be made: {made}")


def saved(api: SyncClient, session_id: str) -> float:
    """Seconds that the saving took while the browser was stopped: all of the pouring, sealing and writing."""
    api.profiles.save_session(session_id)
    return last(api, session_id, "profile.saved")


def restored(api: SyncClient, profile_id: str) -> float:
    """Seconds from the agent's first word to the browser, furnished, on the way up of a session."""
    budget = {"memory_bytes": 2 * GIB, "disk_bytes": GIB}
    session = api.sessions.create(budget=budget, profile={"id": profile_id})
    api.sessions.close(session.id)
    return last(api, session.id, "profile.restored")


def last(api: SyncClient, session_id: str, type_: str) -> float:
    found: list[Event] = []
    for event in api.sessions.events(session_id):
        if event.type == type_:
            found.append(event)
            if type_ == "profile.saved" and time.time() - event.at.timestamp() < 1:
                break
    return float(str(found[-1].data["ms"])) / 1000


def shell(command: str) -> float:
    began = time.perf_counter()
    subprocess.run(["bash", "-o", "pipefail", "-c", command], check=True)
    return time.perf_counter() - began


@contextlib.contextmanager
def peak_of(pid: int) -> Iterator[list[int]]:
    """How far a process's resident memory rises meanwhile, in bytes."""
    began, grown, over = resident(pid), [0], threading.Event()

    def watch() -> None:
        while not over.wait(0.01):
            grown[0] = max(grown[0], resident(pid) - began)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield grown
    finally:
        over.set()
        watcher.join()


def resident(pid: int) -> int:
    """`statm`, second field, in pages (proc(5))."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096
