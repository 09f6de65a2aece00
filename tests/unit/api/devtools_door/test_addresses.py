"""Chromium's addresses turned to this host."""

import pytest

from cloche.api.devtools_door.addresses import Addresses
from cloche.api.urls import Origin
from cloche.ids import SessionId

ID = SessionId("ses_01ARZ3NDEKTSV4RRFFQ69G5FAV")
addresses = Addresses(Origin("https", "cloche.example", "/b"), ID, "tok")


def test_an_address_is_turned_and_links_to_foreign_pages_are_dropped() -> None:
    entry = {
        "id": "P1",
        "title": "ws://127.0.0.1:9222/devtools/page/P1",
        "webSocketDebuggerUrl": "ws://127.0.0.1:9222/devtools/page/P1",
        "devtoolsFrontendUrl": "https://f.example/inspector.html?ws=127.0.0.1:9222/devtools/page/P1",
        "devtoolsFrontendUrlCompat": "https://f.example/i.html?ws=127.0.0.1:9222/devtools/page/P1",
    }
    assert addresses.rewrite(entry) == {
        "id": "P1",
        "title": "ws://127.0.0.1:9222/devtools/page/P1",
        "webSocketDebuggerUrl": f"wss://cloche.example/b/v1/sessions/{ID}/devtools/page/P1?token=tok",
    }


@pytest.mark.parametrize(
    "value", ["ws://evil/other", "http://127.0.0.1:9222/devtools/page/P1", "", 7, None, ["ws://x"]]
)
def test_an_address_of_another_form_is_left_out(value: object) -> None:
    assert addresses.rewrite({"webSocketDebuggerUrl": value, "devtoolsFrontendUrl": value, "id": "x"}) == {"id": "x"}
