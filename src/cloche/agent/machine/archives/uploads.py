"""Uploads from their first byte to their place: put together in staging, then in place, or gone without a trace."""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, closing, contextmanager
from typing import Any, Final

from cloche.agent.machine.api import Surroundings
from cloche.agent.machine.archives.limits import Tally, bad_archive, check_ratio
from cloche.agent.machine.archives.members import Kind, Member
from cloche.agent.machine.archives.names import duplicate_name
from cloche.agent.machine.archives.notes import Notes
from cloche.agent.machine.archives.placing import Placing
from cloche.agent.machine.archives.receiving import OnePart, Target, files_of, receive, target_of, write_all
from cloche.agent.machine.archives.staging import Stage
from cloche.agent.machine.archives.tar_reader import TarReader
from cloche.agent.machine.archives.tree import Tree
from cloche.agent.machine.beneath import Place, Places
from cloche.agent.machine.exchange import Exchange
from cloche.agent.machine.problem import Problem
from cloche.agent.machine.profile import kept_writable
from cloche.agent.machine.turns import ENTRY_COST, Turns
from cloche.wire.machine import MAX_PATH_BYTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cloche.agent.machine.archives.zip_reader import ZipMember, ZipReader

MAX_NOTES: Final = 20
_SPOOL: Final = b"spool"
_PARTS: Final = b"parts"
_CREATION_COST: Final = 8 * ENTRY_COST
"""Making a file takes a journaling file system up to a third of a millisecond, measured."""
_PIECE_COST: Final = 8 * ENTRY_COST
"""A piece may be empty, and yet it took some unpacking."""


class Upload:
    """One upload. The stage is its caller's, who removes it in any case."""

    def __init__(
        self, surroundings: Surroundings, places: Places, exchange: Exchange, stage: Stage, turns: Turns
    ) -> None:
        self._surroundings, self._places, self._exchange = surroundings, places, exchange
        self._stage, self._turns = stage, turns
        self._notes = Notes()

    async def take_tar(self) -> dict[str, Any]:
        """Unpack while it comes in. Returns the answer, as the others here do; raises Problem, OSError."""
        reader = TarReader()
        with closing(Tree(self._stage, Tally(self._stage.free_bytes()), self._turns)) as tree:

            async def take(data: bytes) -> None:
                for item in reader.feed(data):
                    if isinstance(item, Member):
                        tree.begin(item)
                        await self._turn(_CREATION_COST)
                    else:
                        tree.write(item)

            fields = await receive(self._exchange, self._turns, OnePart(), take)
            reader.finish()
            return await self._settle(tree, target_of(fields, self._places))

    async def take_zip(self) -> dict[str, Any]:
        """Unpack when all of it is there, since what it holds is told at its end."""
        from cloche.agent.machine.archives.zip_reader import ZipReader

        with closing(Tree(self._stage, Tally(), self._turns)) as tree:
            spool = self._stage.make_file(_SPOOL)
            try:

                async def take(data: bytes) -> None:
                    write_all(spool, data)

                target = target_of(await receive(self._exchange, self._turns, OnePart(), take), self._places)
                reader = ZipReader(spool)
                await self._check_sizes(reader)
                for found in reader.members():
                    await self._unpack(reader, found, tree)
            finally:
                os.close(spool)
            os.unlink(_SPOOL, dir_fd=self._stage.fd)  # its space may be needed
            return await self._settle(tree, target)

    async def take_files(self) -> dict[str, Any]:
        """Many files, each with a place of its own."""
        sizes: dict[int, int] = {}
        folder = self._stage.make_directory(_PARTS)
        with closing(_Files(folder)) as files:

            def begin(part: int) -> None:
                files.begin(part)
                sizes[part] = 0

            async def take(data: bytes) -> None:
                files.write(data)
                sizes[files.part] += len(data)

            fields = await receive(self._exchange, self._turns, begin, take)
            wanted = files_of(fields, self._places, set(sizes))
            taken: set[tuple[int, int, bytes]] = set()
            async with self._placing([file.place for file in wanted]) as placing:
                for file in wanted:
                    os.chmod(_part_name(file.part), file.mode, dir_fd=folder)
                    at = (*await placing.put_file(folder, _part_name(file.part), file.place), file.place.name)
                    if at in taken:
                        raise duplicate_name(file.place.shown)
                    taken.add(at)
        return self._answer(len(wanted), sum(sizes.values()))

    async def _check_sizes(self, reader: "ZipReader") -> None:
        tally = Tally(self._stage.free_bytes())
        for found in reader.members():
            tally.count(found.member.size)
            await self._turn(ENTRY_COST // 8)
        check_ratio(tally.announced_bytes, reader.size)

    async def _unpack(self, reader: "ZipReader", found: "ZipMember", tree: Tree) -> None:
        member = found.member
        if member.kind is Kind.LINK:
            if member.size > MAX_PATH_BYTES:
                raise bad_archive("a link's target is too long")
            link = bytearray()
            for piece in reader.content(found):
                link += piece
                await self._turn(_PIECE_COST)
            tree.begin(member._replace(size=0, link=bytes(link)))
        else:
            tree.begin(member)
            for piece in reader.content(found):
                tree.write(piece)
                await self._turn(_PIECE_COST + len(piece) * 2)
        await self._turn(_CREATION_COST)

    async def _settle(self, tree: Tree, target: Target) -> dict[str, Any]:
        """Have what has been unpacked take its place."""
        built = await tree.build(target.strip, self._notes, is_profile=target.place.is_profile)
        async with self._placing([target.place]) as placing:
            if target.replaces:
                await placing.replace(built.name, target.place)
            else:
                await placing.merge(built.name, target.place)
        return self._answer(built.files, built.size_bytes)

    @asynccontextmanager
    async def _placing(self, places: list[Place]) -> AsyncIterator[Placing]:
        """All that is changed in this block is changed back if it is left by an exception."""
        # One place in the profile stands for all.
        profile = next((place for place in places if place.is_profile), None)
        async with AsyncExitStack() as stack:
            if profile is not None:
                await stack.enter_async_context(kept_writable(self._surroundings, profile))
            with self._undoing() as placing:
                yield placing

    @contextmanager
    def _undoing(self) -> Iterator[Placing]:
        placing = Placing(self._stage, self._turns)
        try:
            yield placing
        except BaseException as error:
            failures = placing.undo()
            if failures:
                self._surroundings.log.error("upload not undone", failures=failures)
                if isinstance(error, Exception):
                    raise Problem(500, "not_undone", f"{failures} changes could not be undone") from None
            raise
        finally:
            placing.close()

    def _answer(self, files: int, size_bytes: int) -> dict[str, Any]:
        return {"files": files, "bytes": size_bytes, "notes": self._notes.lines(MAX_NOTES)}

    async def _turn(self, cost: int) -> None:
        if self._turns.due(cost):
            await self._turns.give()


class _Files:
    """The parts of an upload as files of a directory, which it closes."""

    def __init__(self, folder: int) -> None:
        self._folder, self._fd, self.part = folder, -1, 0

    def begin(self, part: int) -> None:
        self._end()
        self.part = part
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        self._fd = os.open(_part_name(part), flags, 0o600, dir_fd=self._folder)

    def write(self, data: bytes) -> None:
        write_all(self._fd, data)

    def close(self) -> None:
        self._end()
        os.close(self._folder)

    def _end(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def _part_name(part: int) -> bytes:
    return b"%d" % part
