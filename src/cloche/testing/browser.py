"""A session's browser in memory: answers what a test has set, and remembers what it was asked."""

from dataclasses import dataclass, field
from typing import Final

from cloche.browser.contract.common import BrowserRequest, BrowserResponse, Usage
from cloche.browser.contract.use_cases import USE_CASES
from cloche.sessions.principal import Principal

RESPONSES: Final = {case.request: case.response for case in USE_CASES}


@dataclass
class FakeSessionBrowser:
    """See `sessions.interface.SessionBrowser`. `answers` by the request's type; otherwise an empty success."""

    answers: dict[type[BrowserRequest], BrowserResponse | Exception] = field(default_factory=dict)
    asked: list[tuple[Principal, BrowserRequest]] = field(default_factory=list)
    taken: Usage = field(default_factory=Usage)

    async def perform(self, principal: Principal, request: BrowserRequest) -> BrowserResponse:
        self.asked.append((principal, request))
        answer = self.answers.get(type(request))
        if isinstance(answer, Exception):
            raise answer
        return answer or RESPONSES[type(request)](usage=self.taken)

    def usage(self) -> Usage:
        return self.taken
