"""How the machine API tells a failure: a status, a stable code, a sentence."""

import errno
import os
from typing import Final


class Problem(Exception):  # as RFC 9457 calls it
    """Raised by a handler before its answer has begun. `fields` go into the answer beside code and message."""

    def __init__(self, status: int, code: str, message: str, **fields: str | int | bool | None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.fields = status, code, message, fields


def invalid(message: str, field: str = "") -> Problem:
    return Problem(400, "invalid_request", message, **({"field": field} if field else {}))


_OF_ERRNO: Final = {
    errno.ENOENT: (404, "not_found", "there is no such file or directory"),
    errno.ESRCH: (404, "not_found", "there is no such process"),
    errno.EEXIST: (409, "exists", "it exists already"),
    errno.ENOTEMPTY: (409, "not_empty", "the directory is not empty"),
    errno.ENOTDIR: (400, "not_a_directory", "a part of the path is no directory"),
    errno.EISDIR: (400, "is_a_directory", "it is a directory"),
    errno.ELOOP: (400, "too_many_links", "too many symbolic links"),
    errno.ENAMETOOLONG: (400, "name_too_long", "a name is too long"),
    errno.EINVAL: (400, "invalid_request", "the file system does not allow it"),
    errno.EXDEV: (400, "another_file_system", "source and destination are on different file systems"),
    errno.EACCES: (403, "not_permitted", "permission denied"),
    errno.EPERM: (403, "not_permitted", "operation not permitted"),
    errno.EROFS: (403, "not_permitted", "the file system is read-only"),
    errno.EBUSY: (409, "in_use", "it is in use"),
    errno.ETXTBSY: (409, "in_use", "it is being executed"),
    errno.EFBIG: (413, "too_large", "the file would be too large"),
    errno.ENOSPC: (507, "storage_full", "there is no space left in the session"),
    errno.EDQUOT: (507, "storage_full", "there is no space left in the session"),
    errno.ENOMEM: (507, "storage_full", "there is no memory left in the session"),
    errno.EMFILE: (429, "busy", "too many files are open"),
    errno.ENFILE: (429, "busy", "too many files are open"),
    errno.EAGAIN: (429, "busy", "the session can take no more processes"),
}


def problem_of(error: OSError) -> Problem:
    """What a system call's failure means to whoever asked; or that of waiting for the rest of the request."""
    if isinstance(error, TimeoutError) and error.errno is None:
        return Problem(408, "too_slow", "the request did not come in time")
    if isinstance(error, ConnectionError):
        return Problem(400, "broken_off", "the request was broken off")
    status, code, message = _OF_ERRNO.get(error.errno or 0, (500, "failed", os.strerror(error.errno or errno.EIO)))
    return Problem(status, code, message)
