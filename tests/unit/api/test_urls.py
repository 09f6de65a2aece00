"""Links in answers."""

from cloche.api.urls import connect_url, live_url, origin_of
from cloche.ids import SessionId

ID = SessionId("ses_01ARZ3NDEKTSV4RRFFQ69G5FAV")


def test_links_lead_back_to_the_host_that_was_asked() -> None:
    origin = origin_of(host="localhost:8090", scheme="http", public_url=None)
    assert connect_url(origin, ID, "t") == f"ws://localhost:8090/v1/sessions/{ID}/cdp?token=t"
    assert live_url(origin, ID, "t") == f"http://localhost:8090/v1/sessions/{ID}/live?token=t"


def test_the_public_url_wins_with_its_scheme_port_and_path() -> None:
    origin = origin_of(host="10.0.0.7:8090", scheme="http", public_url="https://cloche.example:444/b/")
    assert connect_url(origin, ID, "t") == f"wss://cloche.example:444/b/v1/sessions/{ID}/cdp?token=t"
    assert live_url(origin, ID, "t") == f"https://cloche.example:444/b/v1/sessions/{ID}/live?token=t"
