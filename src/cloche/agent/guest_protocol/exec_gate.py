"""Whether Exec may run anything: switched on at start, and allowed by the policy. Whatever is unclear is no."""


class ExecGate:
    def __init__(self, *, enabled: bool, allowed: bool, policy_file: str) -> None:
        """`allowed` is the policy where `policy_file` is empty; a file is read anew each time."""

    def refusal(self) -> str:
        """Return why Exec may not run, or nothing."""
        raise NotImplementedError
