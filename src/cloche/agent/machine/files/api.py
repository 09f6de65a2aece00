"""The requests for files.

GET    /fs/read_file             path, offset, length              the bytes; `cloche-size`, `cloche-modified`
PUT    /fs/write_file            path, mode, create_only, body     201
GET    /fs/list_files            path                              {"entries": […], "truncated"}
GET    /fs/file_info             path, follow                      an entry
PUT    /fs/create_directory      path_b64, mode                    201, or 200 where it is there already
PUT    /fs/delete_file           path_b64                          200
PUT    /fs/delete_directory      path_b64                          200
PUT    /fs/move                  src_b64, dest_b64                 200
PUT    /fs/set_file_permissions  path_b64, mode, owner, group      200
POST   /fs/watch                 path_b64, recursive               201 {"watch_id"}
GET    /fs/watch/{id}/events     after, or Last-Event-ID           events
DELETE /fs/watch/{id}                                              204
"""

import time
from typing import Final

from cloche.agent.machine import profile
from cloche.agent.machine.api import Routes, Surroundings
from cloche.agent.machine.beneath import Place, Places
from cloche.agent.machine.exchange import BEAT_S, Exchange
from cloche.agent.machine.fields import Fields
from cloche.agent.machine.files import content, entries, tree
from cloche.agent.machine.files.permissions import parse_mode, set_permissions
from cloche.agent.machine.files.watches import Watches
from cloche.agent.machine.problem import invalid
from cloche.wire.machine import MAX_PATH_BYTES

_FILE_MODE: Final = "644"
_DIRECTORY_MODE: Final = "755"


class FileApi:
    """Owned by `MachineApi`. Whatever changes the profile is refused while a browser has it open."""

    def __init__(self, surroundings: Surroundings, *, watches: Watches | None = None) -> None:
        self._surroundings = surroundings
        config = surroundings.config
        self._places = Places(config.workspace, config.browser.user_data_dir if config.browser else "")
        self._watches = Watches(surroundings.loop, surroundings.log) if watches is None else watches

    def routes(self) -> Routes:
        return {
            "GET /fs/read_file": self._read_file,
            "PUT /fs/write_file": self._write_file,
            "GET /fs/list_files": self._list_files,
            "GET /fs/file_info": self._file_info,
            "PUT /fs/create_directory": self._create_directory,
            "PUT /fs/delete_file": self._delete_file,
            "PUT /fs/delete_directory": self._delete_directory,
            "PUT /fs/move": self._move,
            "PUT /fs/set_file_permissions": self._set_file_permissions,
            "POST /fs/watch": self._watch,
            "GET /fs/watch/{id}/events": self._watch_events,
            "DELETE /fs/watch/{id}": self._end_watch,
        }

    async def _read_file(self, exchange: Exchange) -> None:
        offset, length = exchange.query_number("offset", 0), exchange.query_number("length")
        await content.send_file(exchange, self._asked(exchange), offset or 0, length)

    async def _write_file(self, exchange: Exchange) -> None:
        place = self._asked(exchange)
        mode = parse_mode(exchange.query("mode", _FILE_MODE))
        creates_only = exchange.query_flag("create_only")
        self._require_writable(place)
        # Asked once more at the end: a browser may have been started while the body came.
        await content.receive_file(
            exchange, place, mode, creates_only=creates_only, check=lambda: self._require_writable(place)
        )
        await exchange.answer({}, 201)

    async def _list_files(self, exchange: Exchange) -> None:
        await entries.send_list(exchange, self._asked(exchange))

    async def _file_info(self, exchange: Exchange) -> None:
        place = self._asked(exchange)
        await exchange.answer(entries.look_at(place, follows=exchange.query_flag("follow")))

    async def _create_directory(self, exchange: Exchange) -> None:
        fields = await exchange.fields()
        place = self._writable(fields)
        is_new = tree.make_directory(place, parse_mode(fields.text("mode", _DIRECTORY_MODE, max_chars=8)))
        await exchange.answer({}, 201 if is_new else 200)

    async def _delete_file(self, exchange: Exchange) -> None:
        tree.delete_file(self._writable(await exchange.fields()))
        await exchange.answer({})

    async def _delete_directory(self, exchange: Exchange) -> None:
        place = self._writable(await exchange.fields())
        exchange.end_with_client()  # who fills it all the time must not have this go on for ever
        # Asked again and again: a browser may be started meanwhile.
        await tree.delete_directory(exchange.loop, place, lambda: self._require_writable(place))
        await exchange.answer({})

    async def _move(self, exchange: Exchange) -> None:
        fields = await exchange.fields()
        tree.move(self._writable(fields, "src_b64"), self._writable(fields, "dest_b64"))
        await exchange.answer({})

    async def _set_file_permissions(self, exchange: Exchange) -> None:
        fields = await exchange.fields()
        place = self._writable(fields)
        mode = parse_mode(fields.text("mode", max_chars=8)) if fields.has("mode") else None
        owner, group = (fields.text(name, max_chars=64) if fields.has(name) else "" for name in ("owner", "group"))
        if mode is None and not owner and not group:
            raise invalid("one of mode, owner and group must be there")
        set_permissions(place, mode, owner, group)
        await exchange.answer({})

    async def _watch(self, exchange: Exchange) -> None:
        fields = await exchange.fields()
        place = self._places.locate(fields.data("path_b64", max_bytes=MAX_PATH_BYTES))
        is_recursive = fields.flag("recursive")
        exchange.end_with_client()  # who has gone does not learn its id, and would leave it taking a place
        await exchange.answer({"watch_id": await self._watches.add(place, is_recursive=is_recursive)}, 201)

    async def _watch_events(self, exchange: Exchange) -> None:
        watch = self._watches.get(exchange.params["id"])
        number = min(_resumed_after(exchange), watch.kept.last)
        with watch.reading():
            await exchange.begin_events()
            while True:
                found = watch.kept.after(number)
                for number, happening in found:
                    await exchange.send_event(happening.described(watch.place.shown), str(number))
                if found:
                    continue
                if watch.is_over:
                    break
                try:
                    await watch.changed.next(time.monotonic() + BEAT_S)
                except TimeoutError:
                    await exchange.send_beat()
        await exchange.finish()

    async def _end_watch(self, exchange: Exchange) -> None:
        await self._watches.remove(exchange.params["id"])
        await exchange.answer_nothing()

    def _asked(self, exchange: Exchange) -> Place:
        path = exchange.head.query.get("path")
        if path is None:
            raise invalid("is missing", "path")
        return self._places.locate(path)

    def _writable(self, fields: Fields, name: str = "path_b64") -> Place:
        place = self._places.locate(fields.data(name, max_bytes=MAX_PATH_BYTES))
        self._require_writable(place)
        return place

    def _require_writable(self, place: Place) -> None:
        profile.require_writable(self._surroundings, place)


def _resumed_after(exchange: Exchange) -> int:
    """The number of the last event that the reader has seen, which it says as an event stream does, or in the query."""
    text = exchange.head.fields.get("last-event-id", "")
    if not text:
        return exchange.query_number("after", 0) or 0
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise invalid("must be the id of an event", "Last-Event-ID")
    return int(text)
