import os

import pytest

from cloche.process.output import SealedOutput


def test_what_was_written_can_be_read_and_its_end_as_text() -> None:
    output = SealedOutput.create()
    os.write(output.fd, b"one\n")
    os.write(output.fd, b"two\n")
    assert output.read() == b"one\ntwo\n"
    assert output.tail(4) == "two"
    output.close()


def test_it_cannot_grow_past_its_size() -> None:
    output = SealedOutput.create(4096)
    written = os.write(output.fd, b"x" * 4000) + os.write(output.fd, b"x" * 4000)
    assert written == 4096
    with pytest.raises(PermissionError):
        os.write(output.fd, b"y")
    with pytest.raises(PermissionError):
        os.ftruncate(output.fd, 8192)
    assert output.read() == b"x" * 4096
    output.close()


def test_it_is_found_again_through_a_process_that_holds_it() -> None:
    output = SealedOutput.create()
    kept = os.dup(2)
    os.write(output.fd, b"before")
    os.dup2(output.fd, 2)
    found = SealedOutput.of_process(os.getpid())
    os.dup2(kept, 2)
    os.close(kept)
    output.close()
    assert found is not None
    assert found.read() == b"before"
    found.close()


def test_a_process_that_is_gone_has_no_output() -> None:
    assert SealedOutput.of_process(2**22 + 1) is None


def test_closed_twice_is_closed_once() -> None:
    output = SealedOutput.create()
    output.close()
    output.close()
    assert output.read() == b""
