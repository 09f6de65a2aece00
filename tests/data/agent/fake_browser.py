"""A small program that plays Chromium: a port file, /json/version, and a temper. Standard library only.

    fake_browser.py USER_DATA_DIR TEMPER

Tempers: `good`; `hang` (never ready); `crash_at_start`; `crash_loop` (dies after its first answer); `stubborn`
(ignores SIGTERM); `noisy` (a megabyte of output before it is ready); `family` (a child in its group and one that
has left it); `hog` (256 MiB). Whatever its temper, GET /crash ends it with SIGSEGV, GET /close with exit code 0.
"""

import json
import os
import signal
import socket
import sys
import time
import uuid

user_data_dir, temper = sys.argv[1], sys.argv[2]


def child() -> None:
    while True:
        signal.pause()


if temper == "crash_at_start":
    print("fake browser: \x1b[31mcannot open display\x1b[0m", file=sys.stderr)
    sys.exit(7)
if temper == "hang":
    child()
if temper == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if temper == "noisy":
    os.write(2, b"x" * 1_000_000 + b"\nlast words\n")
if temper == "family":
    if os.fork() == 0:
        child()
    if os.fork() == 0:
        os.setsid()
        child()
memory = bytearray(256 << 20) if temper == "hog" else b""

listener = socket.create_server(("127.0.0.1", 0))
port = listener.getsockname()[1]
path = f"/devtools/browser/{uuid.uuid4()}"
os.makedirs(user_data_dir, exist_ok=True)
with open(f"{user_data_dir}/DevToolsActivePort.new", "w") as file:
    file.write(f"{port}\n{path}")
os.rename(f"{user_data_dir}/DevToolsActivePort.new", f"{user_data_dir}/DevToolsActivePort")

VERSION = {"Browser": "FakeChrome/1.2.3", "webSocketDebuggerUrl": f"ws://127.0.0.1:{port}{path}"}
inherited = sorted(int(fd) for fd in os.listdir("/proc/self/fd"))
FACTS = {"env": dict(os.environ), "descriptors": inherited, "sigpipe": signal.getsignal(signal.SIGPIPE) is not None}

while True:
    connection, _ = listener.accept()
    with connection:
        words = connection.recv(4096).split(b" ")
        if len(words) < 2:
            continue
        target = words[1].decode()
        if target == "/crash":
            signal.signal(signal.SIGSEGV, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGSEGV)
        if target == "/close":
            os._exit(0)
        body = json.dumps(VERSION if target == "/json/version" else FACTS).encode()
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    if temper == "crash_loop" and target == "/json/version":
        time.sleep(0.02)
        os._exit(9)
