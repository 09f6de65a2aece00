"""Messages to dataclasses and back."""

import math
from dataclasses import is_dataclass
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest
from annotated_types import Interval, MaxLen
from google.protobuf.message_factory import GetMessageClass
from hypothesis import given
from hypothesis import strategies as st

from cloche.api.grpc.convert import Reader, Writer, fields_of
from cloche.api.grpc.generated import browser_pb2 as pb
from cloche.api.relay import RelayActionRequest, RelayActionResponse
from cloche.browser.contract.actions import ClickRequest, ScrollRequest, SetFileInputRequest, UploadFile
from cloche.browser.contract.common import Failure, Usage
from cloche.browser.contract.logs import NetworkLogRequest
from cloche.browser.contract.looking import Box, GetTitleResponse, ScreenshotRequest
from cloche.browser.contract.pages import NavigateRequest
from cloche.browser.contract.state import Cookie, InspectSessionResponse, SetCookiesRequest
from cloche.browser.contract.use_cases import USE_CASES
from cloche.errors import InvalidError
from cloche.ids import new_session_id

MESSAGES: Any = pb.DESCRIPTOR.message_types_by_name
KINDS = sorted(
    {kind for case in USE_CASES for kind in (case.request, case.response)} | {RelayActionRequest, RelayActionResponse},
    key=lambda kind: kind.__name__,
)


def message_of(kind: type) -> Any:
    return GetMessageClass(MESSAGES[kind.__name__])


def values(hint: Any, bounds: tuple[Any, ...] = ()) -> st.SearchStrategy[Any]:
    """Values of a field within the bounds that stand beside it."""
    if get_origin(hint) is Literal:
        return st.sampled_from(get_args(hint))
    if metadata := getattr(hint, "__metadata__", None):
        return values(hint.__origin__, bounds + metadata)
    most = next((each.max_length for each in bounds if isinstance(each, MaxLen)), 20)
    span = next((each for each in bounds if isinstance(each, Interval)), Interval(ge=-(1 << 53), le=1 << 53))
    if hint is str:
        return st.text(st.characters(exclude_categories=["Cs"]), max_size=min(most, 20))
    if hint is int:
        return st.integers(span.ge, span.le)
    if hint is float:
        return st.floats(span.ge, span.le)
    if hint in (bool, bytes):
        return st.from_type(hint)
    if get_origin(hint) is list:
        return st.lists(values(get_args(hint)[0]), max_size=min(most, 3))
    if is_dataclass(hint):
        return instances(hint)
    (inner,) = (each for each in get_args(hint) if each is not type(None))
    return st.none() | values(inner)


def instances(kind: Any) -> st.SearchStrategy[Any]:
    fields = {name: values(hint) for name, hint in get_type_hints(kind, include_extras=True).items() if name[0] != "_"}
    if "session_id" in fields:
        fields["session_id"] = st.builds(new_session_id)
    return st.builds(kind, **fields)


def without_more_than_one(value: Any) -> Any:
    """Of the relay's results and payloads a message holds one."""
    match value:
        case RelayActionRequest():
            return type(value)(extension_id=value.extension_id, action=value.action, open_tab=value.open_tab)
        case RelayActionResponse():
            return type(value)(success=value.success, usage=value.usage, selection=value.selection)
        case _:
            return value


@given(st.sampled_from(KINDS).flatmap(instances))
def test_whatever_the_contract_can_say_comes_back_as_it_was(value: Any) -> None:
    value = without_more_than_one(value)
    kind, message = type(value), message_of(type(value))
    sent = Writer(kind, message).write(value).SerializeToString()
    read = Reader(kind).read(message.FromString(sent))
    if isinstance(value, InspectSessionResponse):  # an id goes bare over the wire
        assert f"ses_{read.session_id}" == value.session_id
        read, value = (type(value)(tabs=each.tabs, cookies=each.cookies) for each in (read, value))
    assert read == value


def test_what_is_not_set_takes_the_default_and_what_is_set_to_zero_does_not() -> None:
    reader = Reader(NavigateRequest)
    assert reader.read(pb.NavigateRequest(url="about:blank")) == NavigateRequest(url="about:blank")
    assert reader.read(pb.NavigateRequest(allow_redirects=False)).allow_redirects is False
    click = Reader(ClickRequest).read(pb.ClickRequest(position_x=0.0))
    assert (click.position_x, click.position_y) == (0.0, None)


def test_the_session_and_the_version_stay_outside() -> None:
    message = pb.ClickRequest(v=1, session_id=pb.CanonicalId(ulid="x"), selector="a")
    assert Reader(ClickRequest).read(message) == ClickRequest(selector="a")


def test_another_version_is_refused_also_deep_inside() -> None:
    message = pb.SetCookiesRequest(cookies=[pb.Cookie(v=2)])
    with pytest.raises(InvalidError, match="version 1") as caught:
        Reader(SetCookiesRequest).read(message)
    assert caught.value.fields["field"] == "v"


@pytest.mark.parametrize(
    ("kind", "message", "field"),
    [
        (ScrollRequest, pb.ScrollRequest(delta_y=math.nan), "delta_y"),
        (ScrollRequest, pb.ScrollRequest(delta_x=-math.inf), "delta_x"),
        (ClickRequest, pb.ClickRequest(button="thumb"), "button"),
        (ClickRequest, pb.ClickRequest(modifiers=["Shift", "Hyper"]), "modifiers.1"),
        (ClickRequest, pb.ClickRequest(click_count=4), "click_count"),
        (ClickRequest, pb.ClickRequest(selector="x" * 4097), "selector"),
        (ClickRequest, pb.ClickRequest(timeout_ms=600_001), "timeout_ms"),
        (NetworkLogRequest, pb.NetworkLogRequest(after=(1 << 53) + 1), "after"),
        (ScreenshotRequest, pb.ScreenshotRequest(clip=pb.Box(width=math.nan)), "clip.width"),
        (SetCookiesRequest, pb.SetCookiesRequest(cookies=[pb.Cookie(expires=math.nan)]), "cookies.0.expires"),
        (SetCookiesRequest, pb.SetCookiesRequest(cookies=[pb.Cookie()] * 1001), "cookies"),
        (RelayActionRequest, pb.RelayActionRequest(extension_id="a"), "action"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_out_of_bounds_is_refused_by_the_fields_name(kind: type, message: Any, field: str) -> None:
    with pytest.raises(InvalidError) as caught:
        Reader(kind).read(message)
    assert caught.value.fields["field"] == field
    assert caught.value.detail.startswith(f"{field}: ")


def test_several_wrong_fields_are_counted_and_values_are_not_repeated() -> None:
    with pytest.raises(InvalidError, match=r"and 1 more") as caught:
        Reader(ClickRequest).read(pb.ClickRequest(button="secret", click_count=9))
    assert "secret" not in caught.value.detail


def test_bytes_and_lists_of_messages_come_in_whole() -> None:
    message = pb.SetFileInputRequest(files=[pb.UploadFile(file_name="a", file_bytes=b"\0\xff")])
    expected = SetFileInputRequest(files=[UploadFile(file_name="a", file_bytes=b"\0\xff")])
    assert Reader(SetFileInputRequest).read(message) == expected


def test_an_answer_says_its_version_everywhere_and_its_failure_as_text() -> None:
    response = GetTitleResponse(success=False, error=Failure.TIMEOUT, usage=Usage(tabs=2))
    message = Writer(GetTitleResponse, pb.GetTitleResponse).write(response)
    assert (message.v, message.usage.v, message.error) == (1, 1, "timeout")
    assert message.HasField("success") and message.usage.actions_left == -1


def test_half_characters_that_a_page_puts_into_a_text_become_question_marks() -> None:
    message = Writer(GetTitleResponse, pb.GetTitleResponse).write(GetTitleResponse(title="a\ud800b", page_url="ä"))
    assert (message.title, message.page_url) == ("a?b", "ä")


def test_nothing_is_left_out_of_a_box_that_is_all_zero() -> None:
    message = Writer(ScreenshotRequest, pb.ScreenshotRequest).write(ScreenshotRequest(clip=Box()))
    assert message.HasField("clip")
    assert Reader(ScreenshotRequest).read(message).clip == Box()


def test_maps_and_ids_become_plain_values() -> None:
    message = pb.CreateSessionRequest(labels={"a": "b"}, profile_id=pb.CanonicalId(ulid="X"), allow_hosts=["h"])
    assert fields_of(message) == {"labels": {"a": "b"}, "profile_id": "X", "allow_hosts": ["h"]}


def test_a_cookie_left_bare_is_a_session_cookie_of_every_path() -> None:
    request = Reader(SetCookiesRequest).read(pb.SetCookiesRequest(cookies=[pb.Cookie(name="a")]))
    assert request.cookies == [Cookie(name="a", path="/", expires=-1.0, sameSite="Lax")]
