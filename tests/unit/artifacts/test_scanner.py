"""The setting that names a scanner, what finds are called, and what becomes of a file."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.artifacts.draft import Draft
from cloche.artifacts.model import ArtifactState
from cloche.artifacts.scanner import (
    MAX_NAME_CHARS,
    ClamdSetting,
    Clean,
    CommandSetting,
    Found,
    ScanResult,
    Unavailable,
    finding,
    parse_scanner,
)
from cloche.artifacts.store import ArtifactStore
from cloche.errors import ConflictError, DeniedError, InvalidError

MakeDraft = Callable[..., Draft]
MakeStore = Callable[..., ArtifactStore]


class Scanner:
    def __init__(self, result: ScanResult) -> None:
        self.result = result
        self.seen: list[bytes] = []

    async def scan(self, stream: AsyncIterator[bytes]) -> ScanResult:
        self.seen.append(b"".join([piece async for piece in stream]))
        return self.result


async def body(data: bytes) -> AsyncIterator[bytes]:
    yield data


def test_a_setting_names_a_socket_or_a_command() -> None:
    assert parse_scanner("clamd:/run/clamav/clamd.ctl") == ClamdSetting(Path("/run/clamav/clamd.ctl"))
    assert parse_scanner("command:/usr/bin/scan --name 'a b'") == CommandSetting(("/usr/bin/scan", "--name", "a b"))


@pytest.mark.parametrize("text", ["", "clamd:", "clamd:run/x", "command:", "command:scan", "command:/a 'b", "tcp:/x"])
def test_a_setting_that_names_nothing_is_refused(text: str) -> None:
    with pytest.raises(InvalidError):
        parse_scanner(text)


@given(st.text())
def test_a_finds_name_is_always_fit_to_be_shown(name: str) -> None:
    shown = finding(name).name
    assert 0 < len(shown) <= MAX_NAME_CHARS
    assert shown.isascii() and not set(shown) - set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")


async def test_a_scanner_sees_all_of_every_file_and_lets_clean_ones_through(
    make_store: MakeStore, draft: MakeDraft
) -> None:
    scanner = Scanner(Clean())
    store = make_store(scanner=scanner)
    await store.start()
    data = b"only text\n" * 60_000
    assert (await store.add(draft(), body(data))).state is ArtifactState.READY
    assert (await store.add(draft(max_file_bytes=1), body(data))).reasons == ("too_large",)
    assert scanner.seen == [data, data]
    await store.add(draft(trusted=True), body(data))
    assert len(scanner.seen) == 2, "what we made is not scanned"


async def test_what_the_scanner_knows_is_condemned_for_good_and_its_bytes_are_gone(
    make_store: MakeStore, draft: MakeDraft, directory: Path
) -> None:
    store = make_store(scanner=Scanner(Found("Eicar-Test")))
    await store.start()
    artifact = await store.add(draft(), body(b"only text"))
    assert (artifact.state, artifact.reasons) == (ArtifactState.CONDEMNED, ("scanner:Eicar-Test",))
    assert artifact.sha256 != "" and artifact.size_bytes == 9
    assert await store.get(artifact.id) == artifact
    with pytest.raises(DeniedError):
        await store.release(artifact.id, by="root")
    with pytest.raises(DeniedError):
        async with store.open(artifact.id, quarantined=True):
            raise AssertionError("it was opened")
    assert [path for path in directory.rglob("*") if path.is_file()] == []
    assert (await store.totals_of(artifact.owner)).size_bytes == 0


async def test_without_the_scanners_word_nothing_is_let_through(make_store: MakeStore, draft: MakeDraft) -> None:
    store = make_store(scanner=Scanner(Unavailable("timeout")))
    await store.start()
    artifact = await store.add(draft(), body(b"only text"))
    assert (artifact.state, artifact.reasons) == (ArtifactState.QUARANTINED, ("scanner_unavailable",))
    assert (await store.release(artifact.id, by="root")).state is ArtifactState.RELEASED
    with pytest.raises(ConflictError):
        await store.release(artifact.id, by="root")
