"""What an intruder could run in place of the agent: each temper breaks the agent's part of the protocol in one way.

Started with a temper and `--config-fd N`, as `python3 -c <this text> <temper> --config-fd N`.
"""

import json
import os
import socket
import sys
import threading
import time

TEMPER = sys.argv[1]
CONFIG = json.loads(os.read(int(sys.argv[-1]), 1 << 20))
PATH = "/devtools/browser/00000000-0000-4000-8000-00000000beef"


def dial():
    link = socket.socket(socket.AF_UNIX)
    link.connect(CONFIG["socket"])
    return link


def message(type_, payload, session_id=None):
    envelope = {"type": type_, "session_id": session_id or CONFIG["session_id"], "timestamp": "2026-01-01T00:00:00Z"}
    return json.dumps(envelope | {"payload": payload}).encode() + b"\n"


def register(link, token=None, session_id=None):
    link.sendall(message("register", {"version": "x", "token": token or CONFIG["token"]}, session_id))


def wait():
    while True:
        time.sleep(1000)


def until_closed(link):
    try:
        while link.recv(65536):
            pass
    except OSError:
        pass


def keep_trying(data):
    """Dial, send, be thrown out, dial again."""
    while True:
        try:
            link = dial()
            link.sendall(data)
            until_closed(link)
        except OSError:
            pass
        time.sleep(0.01)


def answer_guests(passed, line):
    """Answer every preface with `line`, and with what `passed` makes attached."""
    guest = socket.socket(fileno=CONFIG["guest_fd"])
    while True:
        connection, _ = guest.accept()
        connection.recv(2048)
        descriptors = passed() if passed else []
        socket.send_fds(connection, [line], descriptors)
        time.sleep(0.05)
        connection.close()


def listener(port=1080, host="127.0.0.1"):
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind((host, port))
    made.listen(8)
    return made


def ok(**more):
    return json.dumps({"ok": True} | more).encode() + b"\n"


def be_obedient_until_ready():
    """Do all that a start needs; returns the link."""
    link = dial()
    register(link)
    egress = listener()
    chromium = listener(9222)

    def passed():
        connected = socket.create_connection(chromium.getsockname())
        return [egress.fileno()] if not ready.is_set() else [connected.detach()]

    ready = threading.Event()
    threading.Thread(target=answer_guests, args=(passed, ok(devtools_path=PATH)), daemon=True).start()
    link.sendall(message("browser", {"state": "ready", "product": "Hostile/1.0", "devtools_path": PATH}))
    threading.Timer(0.5, ready.set).start()
    return link


def misbehave():
    if TEMPER == "silent":
        wait()
    if TEMPER == "exit":
        sys.exit(0)
    if TEMPER == "garbage":
        keep_trying(b"\x00\xff\xfe not json\n" * 100)
    if TEMPER == "half_a_line":
        link = dial()
        link.sendall(message("register", {"token": CONFIG["token"]})[:-5])
        wait()
    if TEMPER == "oversize":
        keep_trying(b'{"type": "' + b"x" * (1 << 20) + b'"}\n')
    if TEMPER == "deep":
        keep_trying(b"[" * 60_000 + b"\n")
    if TEMPER == "crowd":
        links = []
        while True:
            try:
                links.append(dial())
            except OSError:
                time.sleep(0.01)
            del links[:-500]
    if TEMPER == "wrong_token":
        link = dial()
        register(link, token="wrong")
        until_closed(link)
        wait()
    if TEMPER == "wrong_session":
        link = dial()
        register(link, session_id="ses_01HZZZZZZZZZZZZZZZZZZZZZZZ")
        until_closed(link)
        wait()
    if TEMPER == "register_and_leave":
        link = dial()
        register(link)
        link.close()
        wait()
    if TEMPER == "no_streams":
        link = dial()
        register(link)
        wait()
    register_then_pass_wrong = {
        "pass_nothing": (None, ok()),
        "pass_refusal": (None, b'{"ok": false, "code": "nope", "message": "no"}\n'),
        "pass_garbage": (None, b"\xff" * 3000),
        "pass_file": (lambda: [os.open("/usr/share/cloche/welcome.html", os.O_RDONLY)], ok()),
        "pass_pipe": (lambda: [os.pipe()[0]], ok()),
        "pass_unix": (lambda: [socket.socketpair()[0].detach()], ok()),
        "pass_udp": (lambda: [socket.socket(socket.AF_INET, socket.SOCK_DGRAM).detach()], ok()),
        "pass_unbound": (lambda: [socket.socket().detach()], ok()),
        "pass_other_port": (lambda: [listener(0).detach()], ok()),
        "pass_any_address": (lambda: [listener(1080, "0.0.0.0").detach()], ok()),
        "pass_link": (lambda: [dial().detach()], ok()),
        "pass_many": (lambda: [listener(0).detach() for _ in range(200)], ok()),
    }
    if TEMPER in register_then_pass_wrong:
        link = dial()
        register(link)
        answer_guests(*register_then_pass_wrong[TEMPER])
    link = be_obedient_until_ready()
    if TEMPER == "flood":
        line = message("heartbeat", {"x": "y" * 100})
        while True:
            link.sendall(line * 500)
    if TEMPER == "babble":
        for _ in range(20):
            link.sendall(b"not json\n")
            time.sleep(0.02)
        threading.Thread(target=until_closed, args=(link,), daemon=True).start()
        wait()
    if TEMPER == "strange_news":
        for state in ("ready", "exited", "flying", None, 7, ["ready"], {"a": 1}):
            strange = {"state": state, "restarts": 10**400, "exit_code": "x", "reason": "\x1b[31m" * 999, "product": 5}
            link.sendall(message("browser", strange))
        link.sendall(message("browser", {"state": "ready", "product": "\u202e\x00" * 999}))
        until_closed(link)
    if TEMPER == "deaf":
        wait()


misbehave()
wait()
