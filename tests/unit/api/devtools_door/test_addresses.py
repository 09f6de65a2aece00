"""Chromium's addresses turned to this host."""

import pytest

from cloche.api.devtools_door.addresses import Addresses
from cloche.api.urls import Origin
from cloche.ids import SessionId

ID = SessionId("ses_01ARZ3NDEKTSV4RRFFQ69G5FAV")
addresses = Addresses(Origin("https", "cloche.example", "/b"), ID, "tok")


def test_both_kinds_of_address_are_turned() -> None:
    entry = {
        "id": "P1",
        "title": "ws://127.0.0.1:9222/devtools/page/P1",
        "webSocketDebuggerUrl": "ws://127.0.0.1:9222/devtools/page/P1",
        "devtoolsFrontendUrl": "https://f.example/inspector.html?ws=127.0.0.1:9222/devtools/page/P1",
        "devtoolsFrontendUrlCompat": "https://f.example/i.html?ws=127.0.0.1:9222/devtools/page/P1",
    }
    link = f"cloche.example%2Fb%2Fv1%2Fsessions%2F{ID}%2Fdevtools%2Fpage%2FP1%3Ftoken%3Dtok"
    assert addresses.rewrite(entry) == {
        "id": "P1",
        "title": "ws://127.0.0.1:9222/devtools/page/P1",
        "webSocketDebuggerUrl": f"wss://cloche.example/b/v1/sessions/{ID}/devtools/page/P1?token=tok",
        "devtoolsFrontendUrl": f"https://f.example/inspector.html?wss={link}",
        "devtoolsFrontendUrlCompat": f"https://f.example/i.html?wss={link}",
    }


@pytest.mark.parametrize(
    "value", ["ws://evil/other", "http://127.0.0.1:9222/devtools/page/P1", "", 7, None, ["ws://x"]]
)
def test_an_address_of_another_form_is_left_out(value: object) -> None:
    assert addresses.rewrite({"webSocketDebuggerUrl": value, "devtoolsFrontendUrl": value, "id": "x"}) == {"id": "x"}
