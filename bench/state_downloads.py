"""The way of a download: from Chromium's file in the sandbox to a sealed artifact with its hash and its verdict."""

import functools
import http.server
import tempfile
import threading
import time
from pathlib import Path

from cloche.client.sync import SyncClient
from cloche.testing.daemon import DaemonProcess
from figures import Samples, table
from machine_session import GIB, MIB
from state_profiles import client

PAGE = """<!doctype html><title>download</title><a id=go download="big.csv">go</a><script>
const line = new TextEncoder().encode("2026-11-22,4711,19.90,shop\\n".repeat(10000));
const lines = new Blob(Array(Math.ceil(SIZE / line.length)).fill(line), {type: "text/csv"});
document.getElementById("go").href = URL.createObjectURL(lines);
</script>"""


def measure(daemon: DaemonProcess, rounds: int, size_mb: int) -> None:
    found, whole = Samples(), Samples()
    with tempfile.TemporaryDirectory() as directory, client(daemon) as api:
        Path(directory, "index.html").write_text(PAGE.replace("SIZE", str(size_mb * MIB)))
        handler = functools.partial(_Quiet, directory=directory)
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            for number in range(rounds + 1):
                took, all_of_it = one(api, f"127.0.0.1:{server.server_address[1]}", size_mb)
                if number:
                    found.add(size_mb / took)
                    whole.add(all_of_it * 1000)
            server.shutdown()
    print(f"\n### A download of {size_mb} MB, {rounds} rounds\n")
    rows = [["out of the sandbox, hashed, sealed (MB/s)", found.p50, found.percentile(5)]]
    rows.append(["click to artifact, Chromium's part too (ms)", whole.p50, whole.p95])
    print(table(["", "p50", "p95"], rows))


def one(api: SyncClient, host: str, size_mb: int) -> tuple[float, float]:
    """Seconds of the taking in, as the event tells it, and from the click on."""
    most = 2 * size_mb * MIB
    session = api.sessions.create(
        budget={"memory_bytes": 3 * GIB, "disk_bytes": GIB, "artifact_bytes": most, "artifacts_bytes": most},
        egress={"private_hosts": [host]},
    )
    browser = api.sessions.browser(session.id)
    browser.navigate(f"http://{host}/")
    began = time.perf_counter()
    browser.click("#go")
    for event in api.sessions.events(session.id):
        if event.type.startswith("artifact."):
            break
    whole = time.perf_counter() - began
    api.sessions.close(session.id)
    return float(str(event.data["ms"])) / 1000, whole


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Nothing: figures are printed here."""
