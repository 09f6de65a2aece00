#!/opt/python/bin/python3 -IS
"""The first process of the virtual machine: brings the kernel up, keeps an agent, does what is asked on ttyS1.

A request there is a line of JSON, `{"do": name, …}`, and so is its answer: `{"ok": value}` or `{"error": text}`.
Nothing of Cloche is imported: this plays the host, and it asks in frames of its own making.
"""

import contextlib
import ctypes
import json
import os
import select
import shutil
import signal
import socket
import struct
import termios
import time
import traceback
import tty

PATIENCE_S = 30.0  # less than the host has with us: it hears what went wrong
CID_LOCAL = 1
AGENT = ("/opt/python/bin/python3", "-IS", "/usr/share/cloche/agent.pyz")
MOUNTS = (
    ("proc", "/proc"), ("sysfs", "/sys"), ("devtmpfs", "/dev"), ("tmpfs", "/run"), ("tmpfs", "/tmp"),
)  # fmt: skip
LIBC = ctypes.CDLL(None, use_errno=True)
FINIT_MODULE = 313  # x86-64, which the syscall has no wrapper for

told = []
children = {}
ended = {}
held = {}


def bring_up():
    for kind, path in MOUNTS:
        os.makedirs(path, exist_ok=True)
        check(LIBC.mount(kind.encode(), path.encode(), kind.encode(), 0, None), path)
    with open("/modules/order") as order:
        for name in order.read().split():
            fd = os.open(f"/modules/{name}", os.O_RDONLY | os.O_CLOEXEC)
            check(LIBC.syscall(FINIT_MODULE, fd, b"", 0), name)
            os.close(fd)
    signal.signal(signal.SIGUSR1, lambda *_: told.append(time.monotonic()))


def check(result, what):
    if result:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), what)


def start(name, *argv, log="/dev/null", user=0):
    """Start a child of ours under a name."""
    fd = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    pid = os.fork()
    if pid == 0:
        try:
            os.setsid()
            os.dup2(fd, 1)
            os.dup2(fd, 2)
            os.setresuid(user, user, user)
            os.execve(argv[0], argv, {"PATH": "/bin", "HOME": "/"})
        finally:
            os._exit(127)
    os.close(fd)
    children[name] = pid
    return pid


def connect(port):
    connection = socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)
    connection.settimeout(PATIENCE_S)
    connection.connect((CID_LOCAL, port))
    return connection


def send(connection, request):
    body = json.dumps(request).encode()
    connection.sendall(struct.pack(">I", len(body)) + body)


def read(connection):
    """The next answer; None at the end of the conversation."""
    try:
        head = exactly(connection, 4)
        return json.loads(exactly(connection, struct.unpack(">I", head)[0]))
    except (EOFError, ConnectionError):
        return None


def exactly(connection, size):
    data = b""
    while len(data) < size:
        more = connection.recv(size - len(data))
        if not more:
            raise EOFError
        data += more
    return data


def do_reach(port):
    """Wait until somebody listens there."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            connect(port).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


def do_ask(port, requests):
    """Ask one thing after the other on one connection, up to its end."""
    with connect(port) as connection:
        answers = []
        for request in requests:
            send(connection, request)
            answers.append(read(connection))
        return answers


def do_listen_to(port):
    """What the agent says to one who says nothing, and how that ends."""
    with connect(port) as connection:
        return [read(connection), read(connection)]


def do_crowd(port, count, request):
    """Connect so many times before any of them asks anything; then all ask, and only then are answers read."""
    with contextlib.ExitStack() as stack:
        crowd = [stack.enter_context(connect(port)) for _ in range(count)]
        for each in crowd:
            send(each, request)
        return [read(each) for each in crowd]


def do_stay(port, count, request):
    """Connect so many times, ask on each and stay; then ask each again, first come first."""
    with contextlib.ExitStack() as stack:
        guests, rounds = [], [[], []]
        for _ in range(count):
            guests.append(stack.enter_context(connect(port)))
            send(guests[-1], request)
            rounds[0].append(read(guests[-1]))
        for each in guests:
            with contextlib.suppress(ConnectionError):  # hung up on already: read() tells
                send(each, request)
            rounds[1].append(read(each))
        return rounds


def do_ask_and_leave(port, request, path):
    """Ask, wait until the work has made a file, and hang up without reading; return what the file holds."""
    with connect(port) as connection:
        send(connection, request)
        return do_read_once_written(path)


def do_ask_last(port, request):
    """Ask, and say that nothing more is to come, before the answer is read."""
    with connect(port) as connection:
        send(connection, request)
        connection.shutdown(socket.SHUT_WR)
        return [read(connection), read(connection)]


def do_send_raw(port, data):
    with connect(port) as connection:
        connection.sendall(bytes.fromhex(data))
        return [read(connection), read(connection)]


def do_hold(name, port):
    """Keep a connection that has been answered once."""
    held[name] = connect(port)
    send(held[name], "Ping")
    return read(held[name])


def do_held(name, request):
    """Ask on a connection that was kept, and let it go."""
    with held.pop(name) as connection:
        try:
            send(connection, request)
        except ConnectionError:
            return None
        return read(connection)


def do_listen(name, path):
    """Be the host that an agent dials."""
    held[name] = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    held[name].bind(path)
    held[name].listen()
    held[name].settimeout(PATIENCE_S)


def do_accept(name, listener):
    """Take a connection of an agent's, and return its first message."""
    connection, _ = held[listener].accept()
    connection.settimeout(PATIENCE_S)
    with connection:
        held[name] = connection.makefile("rwb")
    return json.loads(held[name].readline())


def do_read_until(name, type):
    """Skip to the next message of this type."""
    while True:
        message = json.loads(held[name].readline())
        if message["type"] == type:
            return message


def do_run_agent(name, arguments, user=0):
    return start(name, *AGENT, *arguments, log=f"/run/{name}.log", user=user)


def do_start(name, argv):
    return start(name, *argv)


def do_end(name, number=signal.SIGKILL):
    """End a child of ours, and return how it ended."""
    os.kill(children[name], number)
    return do_wait(name)


def do_wait(name):
    pid, deadline = children.pop(name), time.monotonic() + PATIENCE_S
    while pid not in ended:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{name} does not end")
        time.sleep(0.02)
        reap()
    return os.waitstatus_to_exitcode(ended.pop(pid))


def reap():
    """Take in who has ended, also those who had other parents, as a first process must."""
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            ended[pid] = status


def do_exists(path):
    return os.path.exists(path)


def do_reset(paths):
    """End and let go of whatever is left, and remove these."""
    for name in [*children]:
        do_end(name)
    for each in held.values():
        os.close(each) if isinstance(each, int) else each.close()
    held.clear()
    for path in paths:
        shutil.rmtree(path, ignore_errors=True)
        with contextlib.suppress(OSError):
            os.unlink(path)


def do_read(path, size=65536):
    with open(path, errors="replace") as file:
        return file.read(size)


def do_read_once_written(path):
    """Wait until a file has a whole line in it."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        with contextlib.suppress(FileNotFoundError):
            if (text := do_read(path)).endswith("\n"):
                return text
        if time.monotonic() > deadline:
            raise TimeoutError(path)
        time.sleep(0.05)


def do_write(path, text, mode="w"):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, mode) as file:
        file.write(text)


def do_hold_file(path, name, read_bytes=0):
    """Keep a file open, as a service does; what is read of it stays in the page cache."""
    held[name] = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    return len(os.read(held[name], read_bytes)) if read_bytes else 0


def do_write_held(name, text, offset):
    os.pwrite(held[name], text.encode(), offset)


def do_clocks():
    return {"monotonic": time.monotonic(), "boottime": time.clock_gettime(time.CLOCK_BOOTTIME), "wall": time.time()}


def do_set_clock(wall):
    time.clock_settime(time.CLOCK_REALTIME, wall)


def do_told():
    return len(told)


def do_suspend(seconds):
    """Suspend to RAM until the real-time clock's alarm; return how far each clock went meanwhile."""
    with open("/sys/class/rtc/rtc0/wakealarm", "w") as file:
        file.write(f"+{seconds}")
    before = do_clocks()
    with open("/sys/power/state", "w") as file:
        file.write("mem")
    after = do_clocks()
    return {name: after[name] - before[name] for name in after}


def serve():
    line = os.open("/dev/ttyS1", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    tty.setraw(line)
    modes = termios.tcgetattr(line)
    modes[4] = modes[5] = termios.B115200
    termios.tcsetattr(line, termios.TCSANOW, modes)
    say(line, {"ok": "up"})
    pending = b""
    while True:
        while b"\n" not in pending:
            select.select([line], [], [])
            pending += os.read(line, 4096)
        reap()
        text, _, pending = pending.partition(b"\n")
        say(line, answer(json.loads(text)))


def answer(request):
    try:
        return {"ok": globals()[f"do_{request.pop('do')}"](**request)}
    except Exception:
        return {"error": traceback.format_exc()}


def say(line, value):
    data = json.dumps(value).encode() + b"\n"
    while data:
        data = data[os.write(line, data) :]


if __name__ == "__main__":
    try:
        bring_up()
        serve()
    except BaseException:
        with open("/dev/console", "w") as console:
            traceback.print_exc(file=console)
        raise
