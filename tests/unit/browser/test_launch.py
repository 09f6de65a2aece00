from hypothesis import given
from hypothesis import strategies as st

from cloche.browser.launch import WELCOME_URL, LaunchOptions, browser_args, browser_env
from cloche.errors import InvalidError
from cloche.sessions.budget import Ceilings, effective_options
from cloche.sessions.model import SessionRequest
from cloche.testing.sessions import BUDGET
from cloche.wire.agent_config import DEVTOOLS_PORT, EGRESS_PORT

CEILINGS = Ceilings(default_budget=BUDGET, max_budget=BUDGET)
FIXED = browser_args(LaunchOptions())


def test_nothing_takes_chromiums_own_walls_away() -> None:
    for full in (False, True):
        args = " ".join(browser_args(LaunchOptions(full_chrome=full)))
        for weakness in ("sandbox", "disable-web-security", "disable-site-isolation", "single-process", "no-zygote"):
            assert weakness not in args


def test_everything_goes_to_the_proxy_loopback_included() -> None:
    assert f"--proxy-server=socks5://127.0.0.1:{EGRESS_PORT}" in FIXED
    assert "--proxy-bypass-list=<-loopback>" in FIXED


def test_devtools_listens_on_the_port_that_host_and_agent_agreed_on() -> None:
    assert f"--remote-debugging-port={DEVTOOLS_PORT}" in FIXED
    assert not any(arg.startswith("--remote-debugging-address") for arg in FIXED)
    assert not any(arg.startswith("--remote-allow-origins") for arg in FIXED)


def test_no_switch_is_given_twice() -> None:
    """Chromium keeps the last of two: a feature list given twice loses its first half without a word."""
    args = browser_args(
        LaunchOptions(full_chrome=True, locale="de", user_agent="x", device_scale_factor=2, start_url="http://a/")
    )
    names = [arg.partition("=")[0] for arg in args]

    assert len(names) == len(set(names))


def test_without_a_start_url_the_welcome_page_opens() -> None:
    assert FIXED[-1] == WELCOME_URL
    assert sum(not arg.startswith("--") for arg in FIXED) == 1


def test_the_environment_is_an_allow_list() -> None:
    env = browser_env(LaunchOptions(locale="pt-BR", timezone="UTC"))

    assert set(env) == {"HOME", "LANG", "PATH", "TMPDIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "TZ"}
    assert env["LANG"] == "pt_BR.UTF-8"


def test_a_time_zone_is_named_also_where_nobody_asks_for_one() -> None:
    # Without one ICU looks through the whole time zone database in each of Chromium's processes.
    assert browser_env(LaunchOptions())["TZ"] == "Etc/UTC"
    assert browser_env(LaunchOptions(timezone="Europe/Vienna"))["TZ"] == "Europe/Vienna"


hostile = st.text(max_size=40) | st.sampled_from(["--no-sandbox", "a --no-sandbox", "x\n--no-sandbox", "-", "\x00"])


@given(
    locale=st.none() | hostile,
    timezone=st.none() | hostile,
    user_agent=st.none() | hostile,
    start_url=st.none() | hostile | hostile.map("http://a/{}".format),
)
def test_no_request_that_passes_adds_a_switch_of_its_own(
    locale: str | None, timezone: str | None, user_agent: str | None, start_url: str | None
) -> None:
    request = SessionRequest(locale=locale, timezone=timezone, user_agent=user_agent, start_url=start_url)
    try:
        options = effective_options(request, CEILINGS)
    except InvalidError:
        return
    launch = LaunchOptions(
        locale=options.locale,
        timezone=options.timezone,
        user_agent=options.user_agent,
        start_url=options.start_url,
    )
    known = {arg.partition("=")[0] for arg in FIXED} | {"--lang", "--accept-lang", "--user-agent"}
    *switches, url = browser_args(launch)

    assert {arg.partition("=")[0] for arg in switches} - {WELCOME_URL} <= known
    assert not url.startswith("-")
    assert not any("\x00" in text for text in (*switches, url, *browser_env(launch).values()))
