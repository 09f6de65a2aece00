"""Run a program for a check: bounded in time and output, with nothing of our environment but PATH."""

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

TIMEOUT_S: Final = 10.0
MAX_OUTPUT: Final = 300


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a program ended. `code` None: it did not run or did not end in time, and `output` says which."""

    code: int | None
    output: str


def run(argv: Sequence[str], *, timeout_s: float = TIMEOUT_S) -> Outcome:
    """Run `argv` to its end; never raises."""
    environment = {"PATH": os.environ.get("PATH", os.defpath), "HOME": "/nonexistent", "LANG": "C.UTF-8"}
    try:
        done = subprocess.run(
            argv,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=timeout_s,
            check=False,
            cwd="/",
        )
    except subprocess.TimeoutExpired:
        return Outcome(None, f"no end within {timeout_s:g} s")
    except OSError as error:
        return Outcome(None, error.strerror or str(error))
    return Outcome(done.returncode, done.stdout.decode(errors="replace").strip()[-MAX_OUTPUT:])
