"""Calls about profiles and artifacts as values."""

from cloche.client import keeping_calls as calls
from cloche.client.connection import Connection


def test_an_id_cannot_leave_its_place_in_the_path() -> None:
    assert calls.get_profile("../keys?x=1").path == "/v1/profiles/..%2Fkeys%3Fx%3D1"
    assert calls.read_artifact("a/b").path == "/v1/artifacts/a%2Fb/content"
    assert calls.session_downloads("a/b", state=None, kind=None, limit=1, cursor=None).path.startswith(
        "/v1/sessions/a%2Fb/"
    )


def test_a_passphrase_goes_in_a_header_field_whatever_it_holds() -> None:
    call = calls.import_profile(passphrase="größer: a\r\nb", name="x")
    assert call.headers == {"cloche-passphrase": "gr%C3%B6%C3%9Fer%3A%20a%0D%0Ab"}
    request = Connection("http://a.test", None).request(call, b"x")
    assert request["headers"] == {**call.headers, "content-type": "application/octet-stream"}
    assert "größer" not in str(request["url"]) + str(request["params"])


def test_only_what_is_given_is_sent() -> None:
    assert calls.update_profile("p", name=None, theme_color="red").body == {"theme_color": "red"}
    assert calls.fork_profile("p", name="x", revision=None).body == {"name": "x"}
    assert calls.export_profile("p", passphrase="x", revision=3).body == {"passphrase": "x", "revision": 3}
    assert calls.delete_profile("p", force=False).query == []
    filters = calls.list_artifacts(session_id="s", state=None, kind="pdf", limit=5, cursor="c").query
    assert filters == [("limit", "5"), ("cursor", "c"), ("session_id", "s"), ("kind", "pdf")]


def test_a_file_is_read_from_where_it_ended() -> None:
    assert calls.read_artifact("a").headers == {}
    assert calls.read_artifact("a", start=7, quarantined=True).headers == {"range": "bytes=7-"}
