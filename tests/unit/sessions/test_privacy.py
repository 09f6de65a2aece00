from dataclasses import replace

from cloche.sessions.privacy import for_the_record, refusal_for_the_record
from cloche.testing.sessions import make_options, make_session

REFUSAL = {"host": "site.test", "port": 443, "reason": "denied", "rule": "deny_hosts: site.test", "count": 1}


def test_the_first_page_of_a_private_session_is_not_written_down() -> None:
    options = make_options(start_url="http://site.test/", labels={"team": "a"}, private=True)
    private = make_session(options=options)
    open_ = make_session(options=replace(options, private=False))
    assert for_the_record(private).options == replace(options, start_url=None)
    assert for_the_record(open_) == open_


def test_of_what_a_private_session_was_refused_only_why_and_how_often_is_told() -> None:
    private = make_session(options=make_options(private=True))
    assert refusal_for_the_record(private, REFUSAL) == {**REFUSAL, "host": "", "rule": ""}
    assert refusal_for_the_record(make_session(), REFUSAL) == REFUSAL
