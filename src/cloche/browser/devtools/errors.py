"""What a call to DevTools can come to."""


class DevToolsError(Exception):
    """Any failure of a call."""


class RefusedError(DevToolsError):
    """Chromium answered with an error (JSON-RPC 2.0, section 5.1)."""

    def __init__(self, method: str, code: int, message: str) -> None:
        super().__init__(f"{method}: {message}")
        self.method = method
        self.code = code
        self.message = message


class AnswerTooLargeError(DevToolsError):
    """The answer is larger than is held."""


class AnswerMalformedError(DevToolsError):
    """The answer is not of the form that it should have."""


class NoAnswerError(DevToolsError):
    """There was none before the deadline."""


class TargetGoneError(DevToolsError):
    """The page, frame or process that was asked is no more. `crashed`: it ended by itself."""

    def __init__(self, message: str, *, crashed: bool = False) -> None:
        super().__init__(message)
        self.crashed = crashed


class HeldUpError(DevToolsError):
    """Something opened that holds the page up, a dialog, before the answer came."""


class ConnectionGoneError(DevToolsError):
    """The browser, or the connection to it, has ended."""
