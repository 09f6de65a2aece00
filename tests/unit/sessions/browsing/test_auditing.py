from collections.abc import Callable
from typing import Any

import pytest

from cloche.browser.call import Call
from cloche.browser.contract.actions import ClickRequest, ClickResponse, TypeRequest, TypeResponse
from cloche.browser.contract.common import ActionError, Failure
from cloche.browser.contract.looking import GetTitleRequest, GetTitleResponse
from cloche.browser.contract.pages import NavigateRequest, NavigateResponse
from cloche.browser.contract.state import GetCookiesRequest, GetCookiesResponse, SetCookiesRequest
from cloche.browser.contract.use_cases import USE_CASES
from cloche.errors import JournalError
from cloche.sessions.browsing.auditing import kind_of, must_stand
from cloche.testing.audit import NotingAudit
from cloche.testing.browsing import Bench
from cloche.testing.session_world import ANN
from cloche.testing.sessions import make_options, make_session

MakeBench = Callable[..., Bench]
SECRET = "hunter2-correct-horse"


async def typed(call: Call, request: TypeRequest) -> TypeResponse:
    call.tab.url = "https://shop.test/login?token=" + SECRET  # type: ignore[misc]
    return TypeResponse(typed_bytes=len(request.text))


async def covered(call: Call, request: ClickRequest) -> ClickResponse:
    raise ActionError(Failure.COVERED, "a dialog is above it")


async def title(call: Call, request: GetTitleRequest) -> GetTitleResponse:
    return GetTitleResponse(title=SECRET)


async def cookies(call: Call, request: GetCookiesRequest) -> GetCookiesResponse:
    return GetCookiesResponse()


FUNCTIONS: dict[Any, Any] = {
    TypeRequest: typed,
    ClickRequest: covered,
    GetTitleRequest: title,
    GetCookiesRequest: cookies,
}


@pytest.mark.promise("what-is-confirmed-is-written-down")
async def test_an_action_is_written_down_before_its_answer_without_what_was_typed_or_where(
    make_bench: MakeBench,
) -> None:
    audit = NotingAudit()
    bench = make_bench(FUNCTIONS, audit=audit)
    for _ in range(2):
        await bench.service.perform(ANN, TypeRequest(selector="#" + SECRET, text=SECRET))
    last = audit.records[-1]
    assert audit.settled_at == [1, 2]
    assert (last.kind, last.actor, last.owner, last.outcome) == ("action.type", "ann", "ann", "ok")
    assert last.data["typed_bytes"] == len(SECRET)
    assert str(last.data["page"]).startswith("https://shop.test/login?token=")
    assert SECRET not in repr(audit.records)


async def test_of_a_private_session_the_page_is_not_written_down(make_bench: MakeBench) -> None:
    audit = NotingAudit()
    bench = make_bench(FUNCTIONS, audit=audit, session=make_session(options=make_options(private=True)))
    for _ in range(2):
        await bench.service.perform(ANN, TypeRequest(selector="#a", text="b"))
    assert audit.kinds == ["action.type"] * 2 and "shop.test" not in repr(audit.records)


async def test_what_failed_is_written_down_with_its_code(make_bench: MakeBench) -> None:
    audit = NotingAudit()
    bench = make_bench(FUNCTIONS, audit=audit)
    await bench.service.perform(ANN, ClickRequest(selector="#a"))
    assert [(record.kind, record.outcome) for record in audit.records] == [("action.click", "covered")]


async def test_a_look_is_written_down_but_waits_for_nothing_unless_it_hands_out_secrets(make_bench: MakeBench) -> None:
    audit = NotingAudit()
    bench = make_bench(FUNCTIONS, audit=audit)
    await bench.service.perform(ANN, GetTitleRequest())
    assert (audit.kinds, audit.settled_at) == (["read.get_title"], [])
    await bench.service.perform(ANN, GetCookiesRequest())
    assert (audit.kinds[1:], audit.settled_at) == (["read.get_cookies"], [2])


async def test_without_a_journal_nothing_is_done_and_only_harmless_looks_go_on(make_bench: MakeBench) -> None:
    audit = NotingAudit()
    audit.refuses = JournalError("the audit journal is full", done=False)
    bench = make_bench(FUNCTIONS, audit=audit)
    for request in (TypeRequest(selector="#a", text="b"), GetCookiesRequest()):
        with pytest.raises(JournalError):
            await bench.service.perform(ANN, request)
    assert bench.opened == [] and audit.records == []
    assert (await bench.service.perform(ANN, GetTitleRequest())).success


async def test_an_action_whose_record_could_not_be_written_says_that_it_was_done(make_bench: MakeBench) -> None:
    audit = NotingAudit()
    audit.fails = JournalError("it was done", done=True)
    bench = make_bench(FUNCTIONS, audit=audit)
    with pytest.raises(JournalError) as failed:
        await bench.service.perform(ANN, TypeRequest(selector="#a", text="b"))
    assert failed.value.fields["done"] is True and audit.kinds == ["action.type"]


def test_whatever_changes_something_is_an_action_and_stands_before_it_is_answered() -> None:
    kinds = {case.request: kind_of(case) for case in USE_CASES}
    assert kinds[SetCookiesRequest] == "action.set_cookies" and kinds[GetCookiesRequest] == "read.get_cookies"
    assert all(must_stand(case) for case in USE_CASES if case.is_action or case.verb != "GET")
    assert len(set(kinds.values())) == len(USE_CASES)


@pytest.mark.parametrize("is_private", [False, True])
async def test_of_a_navigation_that_failed_is_written_down_where_it_was_to_go(
    make_bench: MakeBench, is_private: bool
) -> None:
    async def refused(call: Call, request: NavigateRequest) -> NavigateResponse:
        raise ActionError(Failure.NAVIGATION_FAILED, "no such host")

    audit = NotingAudit()
    session = make_session(options=make_options(private=is_private))
    bench = make_bench({NavigateRequest: refused}, audit=audit, session=session)
    await bench.service.perform(ANN, NavigateRequest(url="https://shop.test/?token=" + SECRET))
    assert SECRET not in repr(audit.records)
    assert ("shop.test" in repr(audit.records)) is not is_private


async def test_of_a_navigation_is_written_down_where_it_led(make_bench: MakeBench) -> None:
    async def navigated(call: Call, request: NavigateRequest) -> NavigateResponse:
        call.tab.url = "https://shop.test/welcome"  # type: ignore[misc]
        return NavigateResponse()

    audit = NotingAudit()
    await make_bench({NavigateRequest: navigated}, audit=audit).service.perform(
        ANN, NavigateRequest(url="https://a.test/")
    )
    assert audit.records[-1].data["page"] == "https://shop.test/welcome" and "to" not in audit.records[-1].data
