from pathlib import Path

import pytest

from cloche.sandbox.namespace.libraries import closure, is_elf, loader_of

PROGRAM = Path("/usr/bin/bwrap")


def test_a_program_names_its_loader() -> None:
    assert loader_of(PROGRAM).exists()


def test_a_closure_holds_the_loader_and_the_c_library() -> None:
    found = closure(loader_of(PROGRAM), [PROGRAM])
    assert loader_of(PROGRAM) in found
    assert "libc.so.6" in {path.name for path in found}
    assert all(path.exists() for path in found)


@pytest.mark.parametrize("content", [b"", b"#!/bin/sh\n", b"\x7fELF\x01" + b"\0" * 60])
def test_what_is_no_64_bit_program_has_no_loader(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(ValueError, match="ELF"):
        loader_of(tmp_path / "file")


def test_a_script_is_no_elf(tmp_path: Path) -> None:
    (tmp_path / "script").write_bytes(b"#!/bin/sh\n")
    assert not is_elf(tmp_path / "script")
    assert is_elf(PROGRAM)
