"""The machine API: programs, directories down, browser restarts, logs, output, and what a crash loses.

Each beside the same done in a shell or by a client of its own, in one run and in turns. `--only` picks parts.
"""

import argparse

import machine_archives
import machine_crash
import machine_exec
import machine_logs
import machine_output
import machine_restart
from cloche.testing.daemon import DaemonProcess
from figures import machine

PARTS = ("exec", "archives", "restart", "logs", "output", "crash")
DELAYS_S = [0.2, 1, 2, 4, 5.5, 8, 15, 25, 29, 31, 35]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=PARTS, action="append", help="may be given more than once")
    parser.add_argument("--execs", type=int, default=100)
    parser.add_argument("--archives", type=int, default=7)
    parser.add_argument("--directory-mb", type=int, default=200)
    parser.add_argument("--large-mb", type=int, default=500)
    parser.add_argument("--restarts", type=int, default=20)
    parser.add_argument("--lines-per-s", type=int, default=10_000)
    parser.add_argument("--log-s", type=int, default=10)
    parser.add_argument("--log-mb", type=int, default=1024)
    parser.add_argument("--output-s", type=float, default=10)
    parser.add_argument("--crashes", type=int, default=3)
    options = parser.parse_args()
    parts = options.only or PARTS
    print(f"Machine: {machine()}")
    with DaemonProcess(max_sessions=100, max_sessions_per_principal=100, log_level="info") as daemon:
        if "exec" in parts:
            machine_exec.compare(daemon, options.execs)
        if "archives" in parts:
            machine_archives.compare(daemon, options.archives, options.directory_mb, options.large_mb)
        if "restart" in parts:
            machine_restart.compare(daemon, options.restarts)
        if "logs" in parts:
            machine_logs.compare(daemon, options.lines_per_s, options.log_s, options.log_mb)
        if "output" in parts:
            machine_output.compare(daemon, options.output_s)
        if "crash" in parts:
            machine_crash.measure(daemon, DELAYS_S, options.crashes)


if __name__ == "__main__":
    main()
