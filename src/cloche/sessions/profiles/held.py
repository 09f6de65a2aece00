"""What a revision of a profile holds, read and checked."""

from dataclasses import replace

import msgspec

from cloche.browser.contract.state import StorageState
from cloche.browser.state.kept_state import KeptState, KeptStateError, that_fit
from cloche.errors import StartError
from cloche.sessions.profiles.incoming import Head
from cloche.sessions.profiles.refusals import NOT_RESTORED


def state_of(head: Head) -> KeptState:
    if not head.manifest:
        return KeptState()
    try:
        return KeptState.from_json(head.manifest)
    except KeptStateError:
        raise not_restored("what the profile holds of the browser is not understood") from None


def storage_state(data: bytes) -> StorageState:
    try:
        return msgspec.json.decode(data, type=StorageState)
    except msgspec.MsgspecError:
        raise not_restored("this is no storage state") from None


def with_missing(state: KeptState, restored: KeptState) -> KeptState:
    """With the tabs that were to come back and whose pages have not answered yet: they are as they were."""
    there = {tab.url for tab in state.tabs}
    missing = tuple(tab for tab in restored.tabs if tab.url not in there)
    return replace(state, tabs=that_fit((*state.tabs, *missing)))


def not_restored(detail: str) -> StartError:
    return StartError(detail, reason=NOT_RESTORED)
