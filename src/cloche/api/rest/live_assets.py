"""`/live/…`: the modules of the live page and of `<cloche-live>`. Public, as any program's source."""

from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from cloche.api.pages.live_modules import MODULES
from cloche.errors import NotFoundError

router = APIRouter(tags=["live"])

FOR_GOOD: Final = "public, max-age=31536000, immutable"
ASK_AGAIN: Final = "public, no-cache"
"""A copy may be kept, but is asked for anew each time: `ETag` makes that cheap."""


@router.get("/live/{name:path}", include_in_schema=False)
async def get_live_module(name: str, request: Request) -> Response:
    """A module, for pages of any origin. Under `?v=` of the current version it never changes.

    Raises: NotFoundError.
    """
    content = MODULES.content.get(name)
    if content is None:
        raise NotFoundError("there is no such module of the live view")
    tag = f'"{MODULES.version}"'
    headers = {
        "etag": tag,
        "cache-control": FOR_GOOD if request.query_params.get("v") == MODULES.version else ASK_AGAIN,
        "access-control-allow-origin": "*",
        "cross-origin-resource-policy": "cross-origin",
        "x-content-type-options": "nosniff",
    }
    asked = [each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")]
    if tag in asked or "*" in asked:
        return Response(status_code=304, headers=headers)
    return Response(content, media_type="text/javascript; charset=utf-8", headers=headers)
