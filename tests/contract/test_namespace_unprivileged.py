"""The same suite once more, by a user who is not root."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

NOBODY_KNOWN = 12345
ROOT = Path(__file__).parents[2]
SUITES = ("driver", "walls", "limits", "faults", "chromium")


@pytest.fixture
def own_directory() -> Iterator[Path]:
    """A short path that belongs to the user, and that everyone can walk to."""
    directory = Path(tempfile.mkdtemp(prefix="u-", dir="/tmp"))
    os.chown(directory, NOBODY_KNOWN, NOBODY_KNOWN)
    yield directory
    shutil.rmtree(directory)


def a_python_for_everyone() -> str:
    """This interpreter may lie in a home directory; then another of the same version will do."""
    for candidate in (sys.executable, "/usr/bin/python3"):
        probe = "import os, sys; open(os.path.realpath(sys.executable)).close(); print(sys.version_info[:2])"
        done = subprocess.run([*as_user(), candidate, "-c", probe], capture_output=True, text=True, check=False)
        if done.returncode == 0 and done.stdout.strip() == str(sys.version_info[:2]):
            return candidate
    pytest.skip(f"no Python {sys.version_info.major}.{sys.version_info.minor} that every user may run")


def as_user() -> list[str]:
    return ["setpriv", "--reuid", str(NOBODY_KNOWN), "--regid", str(NOBODY_KNOWN), "--clear-groups", "--"]


@pytest.mark.skipif(
    os.geteuid() != 0, reason="needs root to become someone else; the suite itself runs unprivileged then"
)
@pytest.mark.timeout(300)
@pytest.mark.parametrize("suite", SUITES)
def test_the_suite_passes_without_privileges(suite: str, own_directory: Path) -> None:
    python = a_python_for_everyone()
    if subprocess.run([*as_user(), "ls", ROOT / "tests"], capture_output=True, check=False).returncode != 0:
        pytest.skip("the checkout is closed to other users")
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": f"{sysconfig.get_path('purelib')}:{ROOT / 'src'}",
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": str(own_directory),
        "TMPDIR": str(own_directory),
    }
    tests = f"tests/contract/test_namespace_{suite}.py"
    command = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-rs", "--tb=short", tests]
    done = subprocess.run(
        [*as_user(), *command], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=280, check=False
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "passed" in done.stdout
