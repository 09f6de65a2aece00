import json
import os

from cloche.agent.log import Log


def test_a_line_is_json_with_time_level_and_message() -> None:
    reading, writing = os.pipe()
    log = Log("warn", "ses_1", fd=writing)
    log.info("too quiet")
    log.warn("loud", what="x\ny")
    os.close(writing)
    with open(reading, "rb") as lines:
        (record,) = [json.loads(line) for line in lines]
    assert (record["level"], record["msg"], record["session"], record["what"]) == ("warn", "loud", "ses_1", "x\ny")
    assert record["time"].endswith("Z")


def test_a_reader_that_has_stopped_reading_blocks_nothing_and_learns_what_it_missed() -> None:
    reading, writing = os.pipe()
    log = Log("info", fd=writing)
    for number in range(3000):
        log.info("line", number=number)
    got = os.read(reading, 1 << 20).splitlines()
    log.info("after")
    (after,) = [json.loads(line) for line in os.read(reading, 1 << 20).splitlines()]
    os.close(reading)
    os.close(writing)
    assert after["dropped_lines"] == 3000 - len(got)


def test_a_line_that_is_too_long_for_one_write_keeps_its_message() -> None:
    reading, writing = os.pipe()
    Log("info", fd=writing).info("event", text="x" * 9000)
    os.close(writing)
    with open(reading, "rb") as lines:
        (record,) = [json.loads(line) for line in lines]
    assert (record["msg"], record["cut"]) == ("event", True)


def test_a_reader_that_is_gone_ends_nothing() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    Log("info", fd=writing).info("to nobody")
    os.close(writing)


def test_whoever_asks_is_given_each_line_that_is_logged_even_if_stderr_takes_none() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    log, lines = Log("info", "ses_1", fd=writing), list[str]()
    log.on_line = lines.append
    log.debug("too quiet")
    log.info("event", count=1)
    log.info("event", text="x" * 9000)
    os.close(writing)
    first, second = map(json.loads, lines)
    assert (first["msg"], first["count"], "\n" in lines[0]) == ("event", 1, False)
    assert second["cut"]
