"""One request, one answer, nothing in between."""

import pytest

from cloche.testing.http import request
from cloche.testing.web.server import LocalWeb

ECHO = "http://93.184.215.14/echo"


def test_json_is_sent_and_read(local_web: LocalWeb) -> None:
    answer = request("POST", ECHO, {"a": 1})
    assert answer.json["body"] == '{"a": 1}'
    assert answer.json["headers"]["content-type"] == "application/json"


def test_bytes_go_as_they_are(local_web: LocalWeb) -> None:
    assert request("POST", ECHO, b"{", headers={"content-type": "text/odd"}).json["body"] == "{"


def test_an_error_status_is_an_answer_too(local_web: LocalWeb) -> None:
    answer = request("GET", "http://93.184.215.14/status/418")
    assert (answer.status, answer.json) == (418, None)


def test_nobody_there_is_an_error() -> None:
    with pytest.raises(OSError, match="refused"):
        request("GET", "http://93.184.215.28:81/")
