import os
import subprocess
import sys
from pathlib import Path

from processes import Process, below, cpu_between, memory, tree


def test_below_a_process_is_everything_that_came_of_it() -> None:
    known = {pid: Process(pid, parent, 0.0, "x") for pid, parent in {1: 0, 2: 1, 3: 2, 4: 2, 5: 1}.items()}

    assert below(2, known) == {3, 4}
    assert below(1, known) == {2, 3, 4, 5}
    assert below(5, known) == set()


def test_a_tree_has_its_root_and_its_children_and_memory_of_its_own() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        assert {os.getpid(), child.pid} <= tree(os.getpid())
        assert memory([child.pid]).unreadable == 0
        assert memory([os.getpid(), child.pid]).pss_mb > memory([os.getpid()]).pss_mb > 1
    finally:
        child.communicate(b"\n")
    assert not Path(f"/proc/{child.pid}").exists()
    assert memory([child.pid]).pss_mb == 0


def test_processor_time_between_two_readings_counts_those_that_came_meanwhile() -> None:
    assert cpu_between({1: 2.0, 2: 5.0}, {1: 2.5, 3: 0.25}) == 0.75
