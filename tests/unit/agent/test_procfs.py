import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.agent.procfs import (
    PAGE_BYTES,
    machine_memory_bytes,
    machine_ticks,
    memory_total_bytes,
    oldest_age_s,
    parse_machine_ticks,
    parse_net_dev,
    parse_stat,
    printable,
    proportional_bytes,
    read_process,
    read_processes,
)

STAT = "24 ({name}) S 6 3 3 0 -1 4194560 2012 0 4 0 50 30 7 3 20 0 1 0 254271 17862656 3378 18446744073709551615 1 1 1"


@given(st.text(max_size=40))
def test_a_name_with_brackets_blanks_and_newlines_confuses_nobody(name: str) -> None:
    process = parse_stat(STAT.format(name=name))
    assert (process.pid, process.state, process.ppid, process.group, process.session) == (24, "S", 6, 3, 3)
    assert (process.cpu_ticks, process.started, process.rss_bytes) == (90, 254271, 3378 * PAGE_BYTES)
    assert len(process.name) <= 32


def test_a_name_that_pretends_to_be_a_whole_line_is_a_name() -> None:
    assert parse_stat(STAT.format(name="x) Z 1 1 1 (y")).ppid == 6


@given(st.text(max_size=200))
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_stat(text.replace(") ", ""))


def test_this_process_is_there_with_real_values() -> None:
    process = read_processes()[os.getpid()]
    assert (process.ppid, process.session) == (os.getppid(), os.getsid(0))
    assert 1 << 20 < proportional_bytes(process) <= process.rss_bytes * 2
    assert 0 < oldest_age_s([process]) < 24 * 3600
    assert process.is_alive


def test_a_process_that_is_gone_is_none() -> None:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    assert read_process(pid) is None


def test_network_counters_of_all_interfaces_are_added() -> None:
    text = (
        "Inter-|   Receive                                                |  Transmit\n"
        " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs\n"
        "    lo:    1000   9 0 0 0 0 0 0 1000   9 0 0 0 0 0 0\n"
        "  eth0:12345678   9 0 0 0 0 0 0   50   9 0 0 0 0 0 0\n"
    )
    assert parse_net_dev(text) == (12346678, 1050)
    assert parse_net_dev("") == (0, 0)


def test_the_machines_work_is_all_but_idling_with_guests_counted_once() -> None:
    assert parse_machine_ticks("cpu  100 20 30 9999 500 4 5 6 77 8\ncpu0 1 2 3\n") == 165
    assert 0 < machine_ticks() <= machine_ticks()


@given(st.text(max_size=100) | st.text("cpu 0123456789\n-", max_size=100))
def test_any_other_text_is_no_stat_file(text: str) -> None:
    try:
        parse_machine_ticks(text)
    except ValueError:
        return
    assert text.split()[0] == "cpu"


def test_memory_in_use_is_less_than_all_of_it() -> None:
    used, total = machine_memory_bytes()
    assert 0 < used < total == memory_total_bytes()


def test_what_is_not_printable_is_replaced() -> None:
    assert printable("a\x1b[0m\tb\nc") == "a\ufffd[0m\ufffdb\nc"
