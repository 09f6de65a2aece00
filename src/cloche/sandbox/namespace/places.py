"""Where things are inside a sandbox: the image is built to it, the command line mounts to it."""

from typing import Final

PYTHON_HOME: Final = "/opt/python"
PYTHON: Final = "/opt/python/bin/python3"
AGENT: Final = "/usr/share/cloche/agent"
"""The agent's bytecode, file by file. From a zip, Python would first read a directory of 300 names, 4 ms."""

WELCOME: Final = "/usr/share/cloche/welcome.html"

LOCK: Final = "/usr/share/cloche/image.lock"
"""Every sandbox holds a read lock on it while it runs (bubblewrap's --lock-file), so a used image is never removed."""

SHELL: Final = "/opt/shell"
"""Where sessions made with `machine` find a shell and its tools; an empty directory in all others."""

SHELL_LOCK: Final = "/opt/shell/lock"
"""What `LOCK` is to the image, for the directory of the shell."""

BROWSER: Final = "/opt/chromium"
LINK: Final = "/run/cloche"
DATA: Final = "/data"
DATA_DIRECTORIES: Final = (
    "downloads",
    "home",
    "policies",
    "policies/managed",
    "profile",
    "staging",
    "tmp",
    "workspace",
)
"""Made in this order. `staging` is where uploads are put together, beside what they become by a rename; `downloads` is
where the browser puts files until the daemon has taken them."""

POLICIES: Final = "/data/policies/managed"
"""What Chromium finds as /etc/chromium/policies/managed."""

SHARED: Final = (
    "/usr/share/fonts",
    "/usr/local/share/fonts",
    "/etc/fonts",
    "/usr/share/fontconfig",
    "/var/cache/fontconfig",
    "/usr/share/zoneinfo",
)
"""Fonts, and time zones for programs: bound as they are on the host, those that are there, each to its place."""

UID: Final = 1000
USER: Final = "cloche"
HOSTNAME: Final = "cloche"
