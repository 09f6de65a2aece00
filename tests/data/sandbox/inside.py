#!/opt/python/bin/python3
"""Stands in for the agent inside a sandbox: runs what it is sent over the guest socket and returns `result`.

Each connection brings one line, {"code": "…"}, and gets one line, {"result": …} or {"error": "…"}.
"""

import json
import os
import signal
import socket
import sys
import threading
import traceback

CONFIG = json.loads(os.read(int(sys.argv[-1]), 1 << 20))


def answer(connection):
    with connection, connection.makefile("rw") as stream:
        line = stream.readline()
        if not line:
            return
        names = {"result": None, "config": CONFIG}
        try:
            exec(json.loads(line)["code"], names)
            reply = {"result": names["result"]}
        except BaseException:
            reply = {"error": traceback.format_exc()}
        stream.write(json.dumps(reply) + "\n")


# A test run that was killed must not leave this behind for ever: there is no lease as the real agent has.
signal.alarm(300)

listener = socket.socket(fileno=CONFIG["guest_fd"])
while True:
    accepted, _ = listener.accept()
    threading.Thread(target=answer, args=(accepted,), daemon=True).start()
