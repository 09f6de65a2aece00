"""What `cloche agent` refuses before it asks anyone."""

import pytest
from typer.testing import CliRunner

from cloche.cli.agent import MAX_STDIN_BYTES, app

NOBODY = ("--socket", "/nonexistent/socket")


@pytest.mark.parametrize(
    "arguments",
    [
        ("ping", "ses_x", *NOBODY),
        ("ping", *NOBODY, "--vsock", "3:52"),
        ("status", "--vsock", "three"),
        ("status", "--firecracker", ""),
        ("status", "ses_x", "--firecracker", "/s"),
        ("inspect",),
        ("inspect", "ses_x", "ses_y"),
        ("exec",),
        ("exec", "ses_x"),
        ("exec", *NOBODY),
        ("exec", *NOBODY, "--shell", "ls", "--", "ls"),
        ("exec", "ses_x", "--timeout", "0", "--", "ls"),
        ("exec", "ses_x", "--timeout", "3601", "--", "ls"),
        ("exec", *NOBODY, "--", "ls", "\udcff"),
        ("exec", *NOBODY, "--shell", "ls \udcff"),
    ],
    ids=lambda arguments: ascii(" ".join(arguments)),
)
def test_wrong_usage_is_exit_code_two(arguments: tuple[str, ...]) -> None:
    outcome = CliRunner().invoke(app, arguments)
    assert (outcome.exit_code, outcome.stdout) == (2, "")


@pytest.mark.parametrize(
    ("data", "code"), [(b"x" * (MAX_STDIN_BYTES + 1), "too_large"), (b"\xff", "invalid_request")], ids=["long", "bytes"]
)
def test_input_that_cannot_be_sent_is_refused(data: bytes, code: str) -> None:
    outcome = CliRunner().invoke(app, ["exec", *NOBODY, "--", "cat"], input=data)
    assert getattr(outcome.exception, "code", None) == code


def test_as_much_input_as_may_be_is_sent() -> None:
    outcome = CliRunner().invoke(app, ["exec", *NOBODY, "--", "cat"], input=b"x" * MAX_STDIN_BYTES)
    assert getattr(outcome.exception, "code", None) == "agent_failed", (
        "it got as far as to the socket that is not there"
    )
