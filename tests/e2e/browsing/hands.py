"""What a person has at a browser: a door, a session behind it, and the site to look at."""

import json
import re
from dataclasses import dataclass
from typing import Any, Final

from cloche.browser.contract.common import Failure
from cloche.testing.web.server import LocalWeb

from .doors import Door

Json = dict[str, Any]

SOON_MS: Final = 400
"""For what is expected not to come."""

REF: Final = re.compile(r"\[ref=([^\]\s]+)\]")


@dataclass(frozen=True)
class Hands:
    door: Door
    session_id: str
    web: LocalWeb

    async def do(self, rpc: str, /, **fields: Any) -> Json:
        """Call a use case that must succeed."""
        answer = await self.door.perform(self.session_id, rpc, **fields)
        assert answer["success"], f"{rpc} {_short(fields)}: {answer['error']}: {answer['detail']}"
        assert answer["error"] == ""
        return answer

    async def fail(self, rpc: str, /, **fields: Any) -> Json:
        """Call a use case that must fail in the browser; return its answer, whose `error` is checked to be a code."""
        answer = await self.door.perform(self.session_id, rpc, **fields)
        assert not answer["success"], f"{rpc} {_short(fields)} was a success: {_short(answer)}"
        assert answer["error"] in set(Failure), answer["error"]
        assert answer["detail"], f"{answer['error']} without a word"
        return answer

    async def failure(self, rpc: str, /, **fields: Any) -> str:
        """The code of a call that must fail."""
        return str((await self.fail(rpc, **fields))["error"])

    async def goto(self, page: str, *, host: str = "site.test", **fields: Any) -> Json:
        """Open a page of `tests/data/pages`."""
        return await self.do("Navigate", url=self.url(page, host=host), **fields)

    def url(self, page: str, *, host: str = "site.test") -> str:
        return self.web.url(host, page if page.startswith("/") else f"/pages/{page}")

    async def js(self, expression: str, **fields: Any) -> Any:
        """The value of an expression in the page."""
        return json.loads((await self.do("Evaluate", expression=expression, **fields))["value_json"])

    async def wait(self, expression: str) -> Any:
        """Wait in the page until an expression is truthy."""
        script = (
            "new Promise((resolve) => { const look = () => { const value = (EXPRESSION);"
            " value ? resolve(value) : setTimeout(look, 10); }; look(); })"
        )
        return await self.js(script.replace("EXPRESSION", expression), timeout_ms=4000)

    async def log(self, *types: str) -> list[Json]:
        """What the page saw happen, as `log.js` writes it down, of these types."""
        return [entry for entry in await self.js("log") if not types or entry["type"] in types]

    async def tree(self, **fields: Any) -> str:
        return str((await self.do("Observe", **fields))["accessibility_tree"])

    async def ref(self, line: str, **fields: Any) -> str:
        """The ref of the one line of the snapshot that holds this text."""
        tree = await self.tree(**fields)
        found = [one for one in tree.splitlines() if line in one]
        assert len(found) == 1, f"{line!r} is in {len(found)} lines of\n{tree}"
        match = REF.search(found[0])
        assert match, f"no ref in {found[0]!r}"
        return match[1]

    async def tabs(self) -> list[Json]:
        return list((await self.do("ListTabs"))["tabs"])

    async def works(self) -> None:
        """The session does what a session does: it navigates, clicks and types, and the page sees it."""
        await self.goto("buttons.html", host="cdn.test")
        await self.do("Click", selector="#plain")
        assert [entry["id"] for entry in await self.log("click")] == ["plain"]
        assert "Plain" in await self.tree(interactive_only=True)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) < 300 else f"{text[:300]}…"
