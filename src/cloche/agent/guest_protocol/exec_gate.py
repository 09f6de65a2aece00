"""Whether Exec may run anything: switched on at start, and allowed by the policy. Whatever is unclear is no.

The policy file is the published one: `{"access": {"debug_exec": true}, …}`; everything else in it is other people's.
"""

import json
import os
import stat
from typing import Any, Final

MAX_POLICY_BYTES: Final = 64 * 1024


class _NoPolicy(Exception):
    """The policy file will not do; the message names the reason, and nothing of what is in it."""


class ExecGate:
    """Asked before each Exec. Holds no state but what it was built with."""

    def __init__(self, *, enabled: bool, allowed: bool, policy_file: str) -> None:
        """`allowed` is the policy where `policy_file` is empty; a file is read anew each time."""
        self._enabled, self._allowed, self._policy_file = enabled, allowed, policy_file

    def refusal(self) -> str:
        """Return why Exec may not run, or nothing."""
        if not self._enabled:
            return "Exec is not switched on"
        try:
            is_allowed = _allows(_read(self._policy_file)) if self._policy_file else self._allowed
        except _NoPolicy as reason:
            return f"Exec is not allowed: {reason}"
        return "" if is_allowed else "Exec is not allowed by the policy"


def _allows(data: bytes) -> bool:
    try:
        policy = json.loads(data.decode(), object_pairs_hook=_once_each)
    except (ValueError, RecursionError):
        raise _NoPolicy("the policy is not JSON") from None
    access = policy.get("access") if isinstance(policy, dict) else None
    if not isinstance(access, dict):
        raise _NoPolicy("the policy says nothing about access")
    return access.get("debug_exec") is True


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a policy that says yes and no: which of two values counts depends on who reads it (RFC 8259 section 4)."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _NoPolicy("the policy says something twice")
    return found


def _read(path: str) -> bytes:
    try:
        # No link is followed; and a FIFO without a writer, which is no policy either, does not hold us up.
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except (OSError, ValueError) as error:
        raise _NoPolicy(f"the policy cannot be read ({getattr(error, 'strerror', None) or 'bad path'})") from None
    try:
        _check(os.fstat(fd))
        data = os.read(fd, MAX_POLICY_BYTES + 1)
    except OSError as error:
        raise _NoPolicy(f"the policy cannot be read ({error.strerror})") from None
    finally:
        os.close(fd)
    if len(data) > MAX_POLICY_BYTES:
        raise _NoPolicy("the policy is too large")
    return data


def _check(status: os.stat_result) -> None:
    """Refuse what somebody else may have written."""
    if not stat.S_ISREG(status.st_mode):
        raise _NoPolicy("the policy is not a regular file")
    if status.st_uid not in (0, os.geteuid()):
        raise _NoPolicy("the policy belongs to somebody else")
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise _NoPolicy("the policy can be written by others")
    if status.st_size > MAX_POLICY_BYTES:
        raise _NoPolicy("the policy is too large")
