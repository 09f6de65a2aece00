"""What may be written down of a private session. Pure.

Of such a session nothing stays that it did: no address, no host that it was refused. What its caller has set up for
it, as labels and the rules of its network, does: without the rules a new daemon could not take it over.
"""

from collections.abc import Mapping
from dataclasses import replace

from cloche.sessions.model import Session

Data = Mapping[str, str | int | float | bool | None]


def for_the_record(session: Session) -> Session:
    """The session as its row may have it."""
    if not session.options.private:
        return session
    return replace(session, options=replace(session.options, start_url=None))


def refusal_for_the_record(session: Session, data: Data) -> Data:
    """The data of an `egress.refused`: why and how often, and of a private session not where to."""
    return {**data, "host": "", "rule": ""} if session.options.private else data
