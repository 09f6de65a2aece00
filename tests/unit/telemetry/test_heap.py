import sys

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from cloche.telemetry import heap as module
from cloche.telemetry.heap import heap_reader, register_memory

MIB = 1 << 20


def series(registry: CollectorRegistry) -> dict[str, float]:
    lines = generate_latest(registry).decode().splitlines()
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if line[0] != "#"}


def test_what_is_taken_is_in_use_and_is_not_once_it_is_given_back() -> None:
    read = heap_reader()
    assert read is not None
    before = read().in_use
    large = bytearray(8 * MIB)
    assert read().in_use - before >= len(large)
    del large
    assert read().in_use - before < MIB


def test_blocks_are_counted_at_the_scrape() -> None:
    registry = CollectorRegistry()
    register_memory(registry)
    before = series(registry)
    kept = [object() for _ in range(100_000)]
    after = series(registry)

    assert after["cloche_python_blocks"] - before["cloche_python_blocks"] >= len(kept)
    assert before.keys() == {
        "cloche_python_blocks",
        'cloche_heap_bytes{state="in_use"}',
        'cloche_heap_bytes{state="free"}',
    }
    assert sys.getallocatedblocks() > 0


def test_a_c_library_that_does_not_tell_leaves_its_series_out(monkeypatch: pytest.MonkeyPatch) -> None:
    class Musl:
        def __init__(self, _: None) -> None: ...

    monkeypatch.setattr(module.ctypes, "CDLL", Musl)
    registry = CollectorRegistry()
    register_memory(registry)

    assert series(registry).keys() == {"cloche_python_blocks"}
