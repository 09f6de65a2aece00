"""What host and agent agree on about the machine API: names, limits, and how a failure is told.

Requests are HTTP/1.1 on a stream of the guest socket, one per connection; a failure is a status of 400 or more with
`{"code", "message", …}` as JSON. Paths of files travel in query fields, percent-encoded bytes, or in JSON as base64
(`…_b64`): a name in a Linux file system is bytes.
"""

from typing import Final

WORKSPACE: Final = "/workspace"
"""The workspace's name in paths, wherever it really lies."""
PROFILE: Final = "/profile"
"""The name of the browser's user-data directory in paths."""

MAX_PATH_BYTES: Final = 4096
"""PATH_MAX (limits.h)."""
MAX_JSON_BYTES: Final = 1024 * 1024
"""Of a request's JSON body."""
MAX_ANSWER_BYTES: Final = 12 * 1024 * 1024
"""Of an answer in JSON: the base64 of all the output of an exec. Reading it holds the host's loop up for some 50 ms."""

MAX_OUTPUT_BYTES: Final = 8 * 1024 * 1024
"""The most that is kept of what one process prints."""
DEFAULT_OUTPUT_BYTES: Final = 1024 * 1024
MAX_RUNNING: Final = 64
"""Processes of the process API that run at once in one session."""
MAX_EXEC_S: Final = 3600.0
DEFAULT_EXEC_S: Final = 60.0
SIGNALS: Final = ("TERM", "KILL", "INT", "HUP", "QUIT", "USR1", "USR2", "STOP", "CONT")
MAX_EXTENSIONS: Final = 20
"""That a browser is started with."""
MAX_TTY_SIDE: Final = 65535

SIZE_FIELD: Final = "cloche-size"
"""Header field: the size in bytes of the whole file that a range is read from."""
MODIFIED_FIELD: Final = "cloche-modified"
"""Header field: the file's modification time, seconds since the epoch, with fractions."""
