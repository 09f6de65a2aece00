import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path

from cloche.sandbox.agent_bundle import agent_sources, build_agent_bundle


def test_it_holds_the_agent_the_wire_and_nothing_else_of_the_daemon() -> None:
    names = zipfile.ZipFile(io.BytesIO(build_agent_bundle())).namelist()
    sources = [name for name in names if name.endswith(".py")]
    assert {"__main__.py", "cloche/__init__.py", "cloche/agent/main.py", "cloche/wire/preface.py"} <= set(sources)
    assert all(name.startswith(("cloche/agent/", "cloche/wire/")) for name in sources[2:])
    assert sorted(f"{name}c" for name in sources) == sorted(name for name in names if name.endswith(".pyc"))


def test_the_same_sources_make_the_same_bundle() -> None:
    assert build_agent_bundle() == build_agent_bundle()
    assert len(agent_sources()) > 10


def test_it_runs_on_a_bare_python_from_its_bytecode(tmp_path: Path) -> None:
    (tmp_path / "agent.pyz").write_bytes(build_agent_bundle())
    command = [sys.executable, "-I", "-S", "-v", str(tmp_path / "agent.pyz"), "--version"]
    done = subprocess.run(command, capture_output=True, text=True, env={"PATH": os.environ["PATH"]}, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "agent" in done.stdout
    # zipimport says so when it takes a .py for want of a usable .pyc.
    assert "bytecode is stale" not in done.stderr
