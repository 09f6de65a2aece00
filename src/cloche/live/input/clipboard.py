"""The session's clipboard policy, applied to what hands do. Pure."""

from cloche.live.input.commands import Command, Step, TellSelection
from cloche.live.model import ClipboardPolicy


def lets(policy: ClipboardPolicy, step: Step) -> bool:
    """Whether the step may be taken; one that may not is left out, the viewer is told (`clipboard_off`), and the others
    are taken all the same.

    Copying and cutting inside the browser go on under any policy: nothing leaves the sandbox by them.
    """
    match step:
        case TellSelection():
            return policy.lets_out
        case Command(pastes=True):
            return policy.lets_in
        case _:
            return True
