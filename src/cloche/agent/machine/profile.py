"""The browser's user-data directory as files: whose it is at the moment."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from cloche.agent.machine.api import Surroundings
from cloche.agent.machine.beneath import Place
from cloche.agent.machine.problem import Problem


def require_writable(surroundings: Surroundings, place: Place) -> None:
    """Refuse to change the profile while a browser has it open, or is about to: Chromium does not expect it, and writes
    over it.

    To be asked once more, without an await between, right before what was prepared is put in place.
    Raises: Problem 409 `browser_running`.
    """
    supervisor = surroundings.supervisor
    if place.is_profile and supervisor is not None and not supervisor.is_at_rest:
        raise Problem(409, "browser_running", "the profile can only be changed while the browser is stopped")


@asynccontextmanager
async def kept_writable(surroundings: Surroundings, place: Place) -> AsyncIterator[None]:
    """For work that gives others turns: whoever would start a browser on the profile waits until it is done.

    Raises: Problem 409 `browser_running`.
    """
    require_writable(surroundings, place)
    supervisor = surroundings.supervisor
    if not place.is_profile or supervisor is None:
        yield
        return
    async with supervisor.turn():  # at once, as nobody commands a browser that is at rest
        yield
