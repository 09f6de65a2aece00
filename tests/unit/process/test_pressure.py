import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.process.pressure import Stall, least, most, parse_loadavg, parse_meminfo, parse_stall

PRESSURE = """\
some avg10=17.30 avg60=18.67 avg300=22.38 total=245797016
full avg10=0.52 avg60=1.54 avg300=0.88 total=8560406
"""
MEMINFO = """\
MemTotal:       24684084 kB
MemFree:        20319804 kB
MemAvailable:   24045016 kB
Buffers:          123456 kB
"""


def test_stalls_of_the_last_ten_seconds_are_read() -> None:
    assert parse_stall(PRESSURE) == Stall(some=17.3, full=0.52)


def test_a_kernel_before_5_13_has_no_full_for_processors() -> None:
    assert parse_stall(PRESSURE.splitlines()[0] + "\n") == Stall(some=17.3, full=0.0)


@pytest.mark.parametrize("text", ["", "full avg10=1.00 avg60=0 avg300=0 total=0\n", "some avg10=nan avg60=0\n", "x"])
def test_what_is_no_stall_information_is_none(text: str) -> None:
    assert parse_stall(text) is None


def test_memory_is_read_in_bytes() -> None:
    assert parse_meminfo(MEMINFO) == (24684084 * 1024, 24045016 * 1024)


@pytest.mark.parametrize("text", ["", "MemTotal: 1 kB\n", "MemTotal:\nMemAvailable:\n", "MemTotal: x kB\n"])
def test_what_does_not_tell_what_is_available_is_none(text: str) -> None:
    assert parse_meminfo(text) is None


def test_the_load_and_the_number_of_tasks_are_read() -> None:
    assert parse_loadavg("3.10 3.44 2.29 2/181 17824\n") == (3.1, 181)
    assert parse_loadavg("") is None
    assert parse_loadavg("3.10 3.44 2.29") is None


def test_what_is_not_known_does_not_count() -> None:
    assert (least(None, 5, 3), least(None), least(-4, 9)) == (3, None, 0)
    assert (most(None, 5.0, 3.0), most(None), most()) == (5.0, None, None)


@given(st.text(max_size=200))
def test_no_text_breaks_a_parser(text: str) -> None:
    for parse in (parse_stall, parse_meminfo, parse_loadavg):
        parse(text)
