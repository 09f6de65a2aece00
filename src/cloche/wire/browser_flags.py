"""Which of Chromium's switches a session's owner may set, and how they join those it is started with. Pure.

A switch is refused where it would take away a wall (Chromium's own sandbox, the proxy), the way in (DevTools, the
user-data directory, headless mode), or would run a program; everything else is the owner's to choose. Names as in
Chromium's content/public/common, chrome/common, headless and sandbox switch lists; base/command_line.cc says what a
switch is: on Linux names are matched with case, and whatever stands behind the first `=` is the value.
"""

import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, Final

MAX_FLAGS: Final = 200
MAX_FLAG_CHARS: Final = 4096
MAX_POLICY_BYTES: Final = 64 * 1024
MAX_POLICIES: Final = 500

NEEDS_FULL_CHROME: Final = "--headless=new"
"""Only a browser that is started with this one has extensions and policies."""

_FLAG: Final = re.compile(r"--([a-z0-9][a-z0-9_-]{0,127})(?:=(.*))?", re.DOTALL)
_POLICY: Final = re.compile(r"[A-Za-z][A-Za-z0-9]{0,127}")

_PROTECTED: Final = {
    "DevTools is how the session is reached": ("remote-*", "devtools-*", "custom-devtools-frontend", "debug-devtools"),
    "the session keeps its data in one place": (
        "user-data-*", "profile-*", "data-path", "disk-cache-dir", "media-cache-dir", "homedir", "log-file",
    ),
    "the gateway is the session's only way out": (
        "proxy-*", "no-proxy-server", "winhttp-proxy-resolver", "host-rules", "host-resolver-*", "map-host*",
        "dns-*", "*quic*", "*webrtc-ip-handling*", "webrtc-*", "testing-fixed-http*-port", "testing-fixed-*-port",
    ),
    "Chromium's own sandbox stays on": (
        "no-sandbox*", "no-zygote*", "*-sandbox", "*-sandbox-*", "sandbox-*", "single-process", "in-process-*",
        "allow-sandbox-debugging", "allow-running-as-root", "run-as-root",
    ),
    "it would run a program": (
        "*-cmd-prefix", "*-launcher", "browser-subprocess-path", "register-pepper-plugins", "ppapi-*", "nacl-*",
        "gpu-launcher", "extra-plugin-dir", "type", "utility-sub-type", "pack-extension*",
    ),
    "a session has no screen": ("headless", "headless-*", "ozone-*", "wayland-*", "x11-*", "display", "use-system-*"),
    "extensions are given as `extensions`": (
        "load-extension", "disable-extensions-except", "load-and-launch-app", "install-*-app", "load-component-*",
    ),
    "it would send reports, or be steered from afar": (
        "crash-*", "enable-crash-*", "enable-breakpad", "breakpad-*", "metrics-*", "*-metrics-*", "upload-*",
        "*-reporting-url", "device-management-url", "variations-*", "force-fieldtrial*",
    ),
    "it is Chromium's, between its own processes": (
        "mojo-*", "field-trial-*", "shared-files", "*-handle", "service-*", "zygote*", "start-stack-profiler",
    ),
}  # fmt: skip
"""Why, and the names, with `*` for anything."""

_LISTS: Final = {
    "enable-features": "disable-features",
    "disable-features": "enable-features",
    "enable-blink-features": "disable-blink-features",
    "disable-blink-features": "enable-blink-features",
}
"""Comma-separated lists that are joined instead of replaced, and the list that says the opposite."""

_PROTECTED_FEATURES: Final = (
    "*sandbox*", "networkserviceinprocess*", "mojojs*", "useozoneplatform*", "waylandui*",
    "disableloadextensioncommandlineswitch", "dnsoverhttps*", "asyncdns*",
)  # fmt: skip
"""In lower case."""

_PROTECTED_POLICIES: Final = (
    "proxy*", "remotedebugging*", "remoteaccess*", "developertools*", "commandlineflagsecuritywarningsenabled",
    "quicallowed", "dnsoverhttps*", "builtindnsclientenabled", "additionaldnsquerytypesenabled", "webrtc*",
    "userdatadir", "diskcachedir", "headlessmode", "*sandbox*", "cloud*", "metricsreporting*", "devicemetrics*",
    "nativemessaging*", "browserswitcher*", "alternativebrowser*", "enterprisecustomlabel*", "policyrefreshrate",
    "policyatomicgroups*", "policylistmultiplesourcemerge*", "policydictionarymultiplesourcemerge*",
)  # fmt: skip
"""In lower case: what belongs to whoever runs the sessions."""


class FlagError(ValueError):
    """Flags or policies that will not do; `code` is stable, the message is for the caller."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def check_flags(flags: Sequence[str]) -> tuple[str, ...]:
    """Return the flags as they are if all of them may be set.

    Raises:
        FlagError: `invalid_flag` (too many, too long, no `--name` or `--name=value`, not printable) or
            `flag_protected` (says why).
    """
    if len(flags) > MAX_FLAGS:
        raise FlagError("invalid_flag", f"at most {MAX_FLAGS} flags")
    for flag in flags:
        _check_flag(flag)
    return tuple(flags)


def _check_flag(flag: str) -> None:
    if len(flag) > MAX_FLAG_CHARS:
        raise FlagError("invalid_flag", f"a flag is at most {MAX_FLAG_CHARS} characters long")
    match = _FLAG.fullmatch(flag)
    if match is None or not flag.isprintable():
        raise FlagError("invalid_flag", f"must be --name or --name=value, in printable characters: {shown(flag)}")
    name, value = match[1], match[2] or ""
    for reason, patterns in _PROTECTED.items():
        if any(fnmatchcase(name, pattern) for pattern in patterns):
            raise FlagError("flag_protected", f"--{name} cannot be set: {reason}")
    if name in _LISTS:
        for feature in _features(value):
            if any(fnmatchcase(_name_of(feature).lower(), pattern) for pattern in _PROTECTED_FEATURES):
                raise FlagError("flag_protected", f"--{name} cannot name {shown(feature)}")


def shown(text: str) -> str:
    """The beginning of what a caller gave, fit to be said back to it."""
    return repr(text[:64])


def merge_flags(base: Sequence[str], flags: Sequence[str]) -> tuple[str, ...]:
    """Join flags to the arguments of a browser. What is no flag keeps its place, and a URL at the end stays there.

    A flag that is there already is replaced; of several with one name the last counts. Lists of features are joined,
    and what is asked for in one is taken out of the list that says the opposite.
    """
    merged = list(base)
    for flag in flags:
        name, equals, value = flag.partition("=")
        opposite = _LISTS.get(name[2:])
        if opposite is None:
            _put(merged, name, flag)
            continue
        features = _features(value)
        _leave_out(merged, f"--{opposite}", features)
        _put(merged, name, f"{name}{equals}{_union(_value(merged, name), features)}")
    return tuple(merged)


def with_url(args: Sequence[str], url: str) -> tuple[str, ...]:
    """Have a browser open `url` instead of what its last argument names."""
    kept = args[:-1] if args and not args[-1].startswith("-") else args
    return (*kept, url)


def check_policies(policies: Mapping[str, Any]) -> None:
    """Raises: FlagError `invalid_policy` (a name that is none, too many) or `policy_protected`."""
    if len(policies) > MAX_POLICIES:
        raise FlagError("invalid_policy", f"at most {MAX_POLICIES} policies")
    for name in policies:
        if not _POLICY.fullmatch(name):
            raise FlagError("invalid_policy", f"not the name of a policy: {shown(name)}")
        if any(fnmatchcase(name.lower(), pattern) for pattern in _PROTECTED_POLICIES):
            raise FlagError("policy_protected", f"the policy {name} cannot be set in a session")


def _features(value: str) -> list[str]:
    """Their names: `*Name<Trial.Group:param/value` says more about one than its name (base/feature_list.cc)."""
    return [feature.strip() for feature in value.split(",") if feature.strip()]


def _name_of(feature: str) -> str:
    return re.split("[<:]", feature.lstrip("*"), maxsplit=1)[0]


def _union(before: str, features: Sequence[str]) -> str:
    names = {_name_of(feature) for feature in features}
    kept = [feature for feature in _features(before) if _name_of(feature) not in names]
    return ",".join(dict.fromkeys((*kept, *features)))


def _value(args: Sequence[str], name: str) -> str:
    return next((arg.partition("=")[2] for arg in args if arg.startswith(f"{name}=")), "")


def _leave_out(args: list[str], name: str, features: Sequence[str]) -> None:
    names = {_name_of(feature) for feature in features}
    for index, arg in enumerate(args):
        if arg.startswith(f"{name}="):
            kept = [feature for feature in _features(arg.partition("=")[2]) if _name_of(feature) not in names]
            args[index] = f"{name}={','.join(kept)}"


def _put(args: list[str], name: str, flag: str) -> None:
    """Replace the flag of this name, or add it behind the last flag."""
    places = [index for index, arg in enumerate(args) if arg == name or arg.startswith(f"{name}=")]
    if places:
        args[places[0]] = flag
        for index in reversed(places[1:]):
            del args[index]
        return
    has_url = bool(args) and not args[-1].startswith("-")
    args.insert(len(args) - has_url, flag)
