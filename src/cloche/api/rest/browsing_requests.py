"""Reads the requests of the browser service: a JSON body to the letter, or a query whose values are all text."""

import asyncio
from typing import Any, Final, get_args, get_origin, get_type_hints

from fastapi.exceptions import RequestValidationError
from pydantic import TypeAdapter, ValidationError
from starlette.datastructures import QueryParams
from starlette.requests import Request

from cloche.api.limits import OFF_THE_LOOP_BYTES, UPLOADS, read_large_json
from cloche.browser.contract.looking import Box

Taken = Any
"""A request of the contract, of the type that its `Reader` was made for."""

CLIP_PARTS: Final = ("x", "y", "width", "height")
"""A box in a query is `clip_x`, `clip_y`, `clip_width` and `clip_height`."""


class Reader:
    """Makes one kind of request of what came over HTTP."""

    def __init__(self, kind: type, *, takes_body: bool) -> None:
        self._kind = kind
        self._takes_body = takes_body
        self._adapter: TypeAdapter[Any] = TypeAdapter(kind)
        self._names = query_names(kind)

    async def read(self, request: Request) -> Taken:
        """Raises: RequestValidationError, InvalidError, TooLargeError."""
        if not self._takes_body:
            return self._from_query(request.query_params)
        if request.query_params:
            raise _unknown(next(iter(request.query_params)))
        is_large = UPLOADS["POST"].fullmatch(request.scope["path"]) is not None
        body = await (read_large_json(request) if is_large else request.body())
        if len(body) < OFF_THE_LOOP_BYTES:
            return self._from_body(body)
        return await asyncio.to_thread(self._from_body, body)

    def _from_body(self, body: bytes) -> Taken:
        try:
            return self._adapter.validate_json(body or b"{}")
        except ValidationError as error:
            raise refusal("body", error) from None

    def _from_query(self, query: QueryParams) -> Taken:
        values: dict[str, Any] = {}
        for name in query:
            if name not in self._names:
                raise _unknown(name)
            box, is_list = self._names[name]
            texts = query.getlist(name)
            if len(texts) > 1 and not is_list:
                raise RequestValidationError([_complaint("query", name, "is given more than once")])
            if box:
                values.setdefault(box, {})[name.removeprefix(f"{box}_")] = texts[0]
            else:
                values[name] = texts if is_list else texts[0]
        try:
            # Lax, since in a query every number is a text; the bounds and what is no number at all are as in a body.
            return self._adapter.validate_python(values, strict=False)
        except ValidationError as error:
            raise refusal("query", error) from None


def query_names(kind: type) -> dict[str, tuple[str, bool]]:
    """The parameters of a request in a query: the box that each is a part of, if any, and whether it may repeat."""
    names: dict[str, tuple[str, bool]] = {}
    for name, type_ in get_type_hints(kind).items():
        if name.startswith("__"):
            continue
        if Box in get_args(type_):
            names |= {f"{name}_{part}": (name, False) for part in CLIP_PARTS}
        else:
            names[name] = ("", get_origin(type_) is list)
    return names


def refusal(where: str, error: ValidationError) -> RequestValidationError:
    """Field by field, as FastAPI tells it; values are not repeated."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return RequestValidationError([{"loc": (where, *each["loc"]), "msg": each["msg"]} for each in found])


def _unknown(name: str) -> RequestValidationError:
    return RequestValidationError([_complaint("query", name[:100], "there is no such parameter")])


def _complaint(where: str, name: str, message: str) -> dict[str, Any]:
    return {"loc": (where, name), "msg": message}
