import asyncio
import json
from typing import Any

from cloche.concurrency.tasks import spawn
from cloche.sessions.live.news import MAX_WAITING, News


async def taken(news: News) -> list[dict[str, Any]]:
    async with asyncio.timeout(10):
        return [json.loads(message) for message in (await news.take()).messages]


async def test_what_changed_while_nobody_read_is_told_together_as_it_is_now() -> None:
    news = News()
    for title in range(10_000):
        news.changed({"page": {"title": str(title)}})
    news.changed({"cursor": "text"})
    assert await taken(news) == [{"type": "state", "page": {"title": "9999"}, "cursor": "text"}]


async def test_a_viewer_that_never_reads_holds_little() -> None:
    news = News()
    for number in range(10_000):
        news.tell("notice", {"code": "not_holder", "number": number})
        news.copied(str(number))
    told = await taken(news)
    assert len(told) == MAX_WAITING + 1
    assert (told[0]["number"], told[-2]["number"]) == (10_000 - MAX_WAITING, 9_999)
    assert told[-1] == {"type": "clipboard", "text": "9999"}


async def test_it_waits_until_there_is_something() -> None:
    news = News()
    waiting = spawn(taken(news), name="reads")
    await asyncio.sleep(0)
    assert not waiting.done()
    news.changed({})
    news.changed({"editing": True})
    assert await waiting == [{"type": "state", "editing": True}]
    news.tell("notice", {"code": "tab_limit"})
    assert await taken(news) == [{"type": "notice", "code": "tab_limit"}]
