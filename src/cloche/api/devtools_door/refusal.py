"""A connection that is not let in, answered while it still speaks HTTP."""

import asyncio

from cloche.api.problem import MEDIA_TYPE, Problem, problem_of
from cloche.errors import ClocheError


def refuse(transport: asyncio.Transport, error: ClocheError) -> None:
    """Answer with a problem and close."""
    answer(transport, problem_of(error))


def answer(transport: asyncio.Transport, problem: Problem, media_type: str = MEDIA_TYPE) -> None:
    if transport.is_closing():
        return
    body = problem.encode()
    fields = {
        **problem.headers,
        "content-type": media_type,
        "content-length": str(len(body)),
        "cache-control": "no-store",
        "connection": "close",
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    title = problem.body.get("title", "Refused")
    transport.write(f"HTTP/1.1 {problem.status} {title}\r\n{head}\r\n".encode() + body)
    transport.close()
