"""Errors of `/api/…` as that API has them: `{"error": "…"}`, also where a layer above its routes raises them."""

import json
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cloche.api.problem import MEDIA_TYPE

PREFIX: Final = "/api/"
_ABOUT_THE_BODY: Final = frozenset({b"content-type", b"content-length"})


class OlderErrorsMiddleware:
    """Outside of what makes problems of errors: takes their `detail` alone."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(PREFIX):
            await self._app(scope, receive, send)
            return
        held: Message | None = None
        body = bytearray()

        async def rewritten(message: Message) -> None:
            nonlocal held
            if message["type"] == "http.response.start" and _is_problem(message):
                held = message
            elif held is not None and message["type"] == "http.response.body":
                body.extend(message.get("body", b""))
                if not message.get("more_body", False):
                    await _send(send, held, bytes(body))
                    held = None
            else:
                await send(message)

        await self._app(scope, receive, rewritten)


def _is_problem(start: Message) -> bool:
    return any(name.lower() == b"content-type" and MEDIA_TYPE.encode() in value for name, value in start["headers"])


async def _send(send: Send, start: Message, problem: bytes) -> None:
    told: dict[str, Any] = json.loads(problem)
    body = json.dumps({"error": told["detail"]}).encode()
    kept = [(name, value) for name, value in start["headers"] if name.lower() not in _ABOUT_THE_BODY]
    own = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({**start, "headers": kept + own})
    await send({"type": "http.response.body", "body": body})
