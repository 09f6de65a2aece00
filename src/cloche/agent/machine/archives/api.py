"""The requests of this part of the machine API.

GET /fs/download_dir_zip?path=&level=    level: 0 (not packed) to 9
GET /fs/download_dir_tar?path=&without=   without: `caches`, see `profile_caches`
POST /fs/upload                          many files: {"files": [{"part", "dest_b64", "mode"}]} as the last record
POST /fs/upload_zip, /fs/upload_tar      {"dest_b64", "strip_components", "replace"} as the last record

An upload is refused with one of these codes, and has then changed nothing: 400 `bad_upload` (not `wire/upload`, or
without a last record), `bad_archive` (none, damaged, or of a kind that is not understood), `leaves_destination`,
`absolute_name`, `link_leaves`, `special_file`, `duplicate_name`, `too_many_entries`, `too_large`, `too_compressed`;
409 `in_the_way`, `browser_running`; 429 `busy`; 507 `storage_full`; and what `beneath` says of the destination.

A session without `machine` whose profile is kept has of these only the tar of its profile, down and up.
"""

import os
from collections.abc import Awaitable, Callable
from typing import Any

from cloche.agent.machine.api import Routes, Surroundings
from cloche.agent.machine.archives.body import Body
from cloche.agent.machine.archives.limits import MAX_UPLOADS
from cloche.agent.machine.archives.members import SINGLETONS
from cloche.agent.machine.archives.notes import Notes
from cloche.agent.machine.archives.profile_caches import CACHES
from cloche.agent.machine.archives.staging import Staging
from cloche.agent.machine.archives.tar_writer import send_tar
from cloche.agent.machine.archives.uploads import Upload
from cloche.agent.machine.beneath import Place, Places, open_beneath
from cloche.agent.machine.exchange import Exchange
from cloche.agent.machine.problem import Problem, invalid
from cloche.agent.machine.turns import Turns


class ArchiveApi:
    def __init__(self, surroundings: Surroundings, *, only_profile: bool = False) -> None:
        self._surroundings, self._only_profile = surroundings, only_profile
        config = surroundings.config
        profile = config.browser.user_data_dir if config.browser is not None else ""
        self._places = Places("" if only_profile else config.workspace, profile)
        self._staging = Staging(config.staging_dir, surroundings.log)
        self._uploads = 0

    def routes(self) -> Routes:
        if self._only_profile:
            return {"GET /fs/download_dir_tar": self._download_tar, "POST /fs/upload_tar": self._upload_tar}
        return {
            "GET /fs/download_dir_zip": self._download_zip,
            "GET /fs/download_dir_tar": self._download_tar,
            "POST /fs/upload": self._upload_files,
            "POST /fs/upload_zip": self._upload_zip,
            "POST /fs/upload_tar": self._upload_tar,
        }

    async def _download_zip(self, exchange: Exchange) -> None:
        from cloche.agent.machine.archives.zip_writer import send_zip  # a session whose profile is kept does without

        level = exchange.query_number("level", 1, high=9)
        place, fd = self._directory(exchange)
        try:
            await exchange.begin("application/zip")
            await send_zip(Body(exchange), fd, Notes(), _leaves_out(place), 1 if level is None else level)
        finally:
            os.close(fd)

    async def _download_tar(self, exchange: Exchange) -> None:
        without = exchange.query("without", "")
        if without not in ("", "caches"):
            raise invalid("must be `caches`", "without")
        place, fd = self._directory(exchange)
        try:
            leaves_out = _leaves_out(place) | (CACHES if without else frozenset())
            await exchange.begin("application/x-tar")
            await send_tar(Body(exchange), fd, Notes(), leaves_out)
        finally:
            os.close(fd)

    async def _upload_files(self, exchange: Exchange) -> None:
        await self._upload(exchange, Upload.take_files)

    async def _upload_zip(self, exchange: Exchange) -> None:
        await self._upload(exchange, Upload.take_zip)

    async def _upload_tar(self, exchange: Exchange) -> None:
        await self._upload(exchange, Upload.take_tar)

    def _directory(self, exchange: Exchange) -> tuple[Place, int]:
        path = exchange.head.query.get("path", b"")
        if not path:
            raise invalid("is missing", "path")
        place = self._places.locate(path)
        return place, open_beneath(place, os.O_RDONLY | os.O_DIRECTORY)

    async def _upload(self, exchange: Exchange, take: Callable[[Upload], Awaitable[dict[str, Any]]]) -> None:
        await exchange.answer(await self._staged(exchange, take), 201)

    async def _staged(self, exchange: Exchange, take: Callable[[Upload], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
        if self._uploads >= MAX_UPLOADS:
            raise Problem(429, "busy", f"there are {MAX_UPLOADS} uploads already")
        self._uploads += 1
        turns = Turns(exchange.loop)
        try:
            stage = await self._staging.open(turns)
            try:
                return await take(Upload(self._surroundings, self._places, exchange, stage, turns))
            finally:
                await self._staging.remove(stage, turns)
        finally:
            self._uploads -= 1


def _leaves_out(place: Place) -> frozenset[bytes]:
    """Chromium's marks that a profile is in use are no part of it."""
    return SINGLETONS if place.is_profile and not place.parts else frozenset()
