import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.wire.browser_flags import (
    MAX_FLAG_CHARS,
    MAX_FLAGS,
    MAX_POLICIES,
    FlagError,
    check_flags,
    check_policies,
    merge_flags,
    with_url,
)

BASE = ("--headless=new", "--disable-features=A,B", "--window-size=1280,800", "--lang=en", "https://start.example/")
NAMES = st.sampled_from(["lang", "mute-audio", "window-size", "enable-features", "disable-features", "x"])
FLAGS = st.lists(st.builds(lambda name, value: f"--{name}={value}", NAMES, st.sampled_from(["A", "B,C", "1"])))


@pytest.mark.parametrize(
    "flag",
    [
        "--no-sandbox", "--disable-setuid-sandbox", "--disable-seccomp-filter-sandbox", "--disable-gpu-sandbox",
        "--single-process", "--no-zygote", "--in-process-gpu", "--remote-debugging-port=1", "--remote-debugging-pipe",
        "--remote-allow-origins=*", "--user-data-dir=/tmp/x", "--profile-directory=x", "--proxy-server=x:1",
        "--proxy-pac-url=x", "--no-proxy-server", "--host-rules=x", "--host-resolver-rules=MAP * 1.2.3.4", "--headless",
        "--headless=old", "--load-extension=/x", "--disable-extensions-except=/x", "--renderer-cmd-prefix=/bin/sh",
        "--utility-cmd-prefix=x", "--gpu-launcher=x", "--browser-subprocess-path=/x", "--crash-dumps-dir=/x",
        "--ozone-platform=x11", "--type=renderer", "--enable-quic", "--force-webrtc-ip-handling-policy=default",
        "--metrics-recording-only", "--disk-cache-dir=/x", "--log-file=/x", "--mojo-platform-channel-handle=3",
        "--disable-features=NetworkServiceSandbox", "--enable-features=A,*NetworkServiceInProcess2<T.G:a/b",
        "--enable-blink-features=MojoJS", "--disable-features=DisableLoadExtensionCommandLineSwitch",
    ],
)  # fmt: skip
def test_what_takes_away_a_wall_or_the_way_in_is_protected(flag: str) -> None:
    with pytest.raises(FlagError) as caught:
        check_flags(["--lang=de", flag])
    assert caught.value.code == "flag_protected"
    assert flag.partition("=")[0] in str(caught.value)


@pytest.mark.parametrize(
    "flag",
    [
        "", "-", "--", "lang=de", "-lang", "--Lang", "--=x", "--a b", "https://example.com", "--lang=\n", "--lang=\0",
        "--ünicode", "--lang=\ud800", "--x=" + "a" * MAX_FLAG_CHARS,
    ],
)  # fmt: skip
def test_what_is_no_flag_is_refused(flag: str) -> None:
    with pytest.raises(FlagError) as caught:
        check_flags([flag])
    assert caught.value.code == "invalid_flag"


def test_flags_that_automation_sets_are_the_owners_to_choose() -> None:
    flags = (
        "--lang=en-SG", "--window-size=800,600", "--mute-audio", "--hide-scrollbars", "--disable-web-security",
        "--disable-blink-features=AutomationControlled", "--autoplay-policy=no-user-gesture-required", "--incognito",
        "--use-fake-device-for-media-stream", "--enable-logging=stderr", "--js-flags=--expose-gc", "--disable-gpu",
        "--user-agent=Some Browser/1.0 (x; y)", "--force-device-scale-factor=2", "--hide-crash-restore-bubble",
        "--disable-extensions", "--enable-features=Vulkan", "--disable-site-isolation-trials",
        "--use-angle=swiftshader",
    )  # fmt: skip
    assert check_flags(flags) == flags
    with pytest.raises(FlagError):
        check_flags(["--x"] * (MAX_FLAGS + 1))


def test_a_flag_replaces_its_namesake_and_the_rest_comes_before_the_url() -> None:
    merged = merge_flags(BASE, ["--lang=de", "--mute-audio", "--lang=fr"])
    assert merged == (*BASE[:3], "--lang=fr", "--mute-audio", BASE[-1])


def test_lists_of_features_are_joined_and_what_is_asked_for_wins_over_its_opposite() -> None:
    merged = merge_flags(BASE, ["--disable-features=C,B<Trial", "--enable-features=A:x/1,D"])
    assert merged[1] == "--disable-features=C,B<Trial"
    assert merged[-2:] == ("--enable-features=A:x/1,D", BASE[-1])


@given(FLAGS)
def test_merging_keeps_the_url_last_each_name_once_and_everything_that_was_not_named(flags: list[str]) -> None:
    merged = merge_flags(BASE, flags)
    names = [word.partition("=")[0] for word in merged[:-1]]
    assert merged[-1] == BASE[-1]
    assert len(names) == len(set(names))
    asked = {flag.partition("=")[0] for flag in flags}
    assert set(names) == asked | {word.partition("=")[0] for word in BASE[:-1]}
    assert merged[0] == "--headless=new"


@given(FLAGS)
def test_no_feature_is_both_enabled_and_disabled(flags: list[str]) -> None:
    lists = {word.partition("=")[0]: set(word.partition("=")[2].split(",")) for word in merge_flags(BASE, flags)}
    assert not lists.get("--enable-features", set()) & lists.get("--disable-features", set()) - {""}


def test_a_url_takes_the_place_of_the_one_that_is_there() -> None:
    assert with_url(BASE, "about:blank") == (*BASE[:-1], "about:blank")
    assert with_url(("--a",), "about:blank") == ("--a", "about:blank")
    assert with_url((), "about:blank") == ("about:blank",)


@pytest.mark.parametrize(
    "name",
    [
        "ProxyMode", "ProxySettings", "proxyserver", "RemoteDebuggingAllowed", "DeveloperToolsAvailability",
        "CommandLineFlagSecurityWarningsEnabled", "QuicAllowed", "DnsOverHttpsMode", "WebRtcIPHandling", "UserDataDir",
        "HeadlessMode", "AudioSandboxEnabled", "CloudPolicyOverridesPlatformPolicy", "NativeMessagingAllowlist",
    ],
)  # fmt: skip
def test_policies_of_the_infrastructure_are_protected(name: str) -> None:
    with pytest.raises(FlagError) as caught:
        check_policies({"HomepageLocation": "x", name: 1})
    assert caught.value.code == "policy_protected"


@pytest.mark.parametrize("name", ["", "../x", "Home page", "ü", "1a", "A" * 129])
def test_what_is_no_policy_is_refused(name: str) -> None:
    with pytest.raises(FlagError) as caught:
        check_policies({name: 1})
    assert caught.value.code == "invalid_policy"


def test_policies_of_the_owner_are_taken_up_to_a_number() -> None:
    check_policies({"ExtensionInstallForcelist": ["x"], "HomepageLocation": "y", "SomethingNew": {"a": [1]}})
    with pytest.raises(FlagError):
        check_policies({f"P{number}": 1 for number in range(MAX_POLICIES + 1)})
