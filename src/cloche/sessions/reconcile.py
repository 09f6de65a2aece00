"""What to do after a restart: the rows that should live against the sandboxes that were left. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cloche.ids import SessionId
from cloche.sessions.model import Session, SessionStatus

Description = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Adopt:
    """Take the sandbox back and go on."""

    session: Session
    description: Description


@dataclass(frozen=True, slots=True)
class Rest:
    """Its state is on the disk: it goes on lying there, and what there is of a sandbox goes."""

    session: Session
    description: Description | None


@dataclass(frozen=True, slots=True)
class Fail:
    """Nothing is left of it, or it never was whole: the row ends as failed, and what there is goes."""

    session: Session
    description: Description | None


@dataclass(frozen=True, slots=True)
class Reap:
    """A sandbox no row wants."""

    session_id: SessionId
    description: Description


Action = Adopt | Rest | Fail | Reap


def plan(unfinished: Mapping[SessionId, Session], leftovers: Mapping[SessionId, Description]) -> list[Action]:
    """Decide once for every unfinished row and every leftover sandbox."""
    actions: list[Action] = []
    for session_id, session in unfinished.items():
        description = leftovers.get(session_id)
        # A pending session's client was told nothing yet, and a closing one's was told it is gone.
        if description is not None and session.status in {SessionStatus.READY, SessionStatus.SLEEPING}:
            actions.append(Adopt(session, description))
        elif session.status is SessionStatus.HIBERNATED and session.snapshot is not None:
            actions.append(Rest(session, description))
        else:
            actions.append(Fail(session, description))
    actions += [Reap(session_id, leftovers[session_id]) for session_id in leftovers.keys() - unfinished.keys()]
    return actions
