import math
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.errors import InvalidError
from cloche.live.model import ClipboardPolicy, RecordPolicy
from cloche.sandbox.spec import Engine
from cloche.sessions.budget import MAX_ALLOWED_DOMAINS, MAX_HOSTS, MAX_LABELS, Ceilings, effective_options
from cloche.sessions.model import (
    Budget,
    BudgetRequest,
    Downloads,
    EgressOptions,
    LiveRequest,
    OnExhausted,
    SessionRequest,
    Viewport,
)

MIB, GIB = 1 << 20, 1 << 30
DEFAULT = Budget(
    memory_bytes=GIB,
    processes=512,
    cpu_cores=2.0,
    disk_bytes=128 * MIB,
    egress_bytes=10 * GIB,
    egress_connections=256,
)
# Every amount, so that one that is added later cannot be forgotten here: what this does not list is twice the default.
AMOUNTS = [field.name for field in fields(Budget) if field.name != "on_exhausted"]
MOST = replace(
    DEFAULT,
    **{name: getattr(DEFAULT, name) * 2 for name in AMOUNTS}
    | {"memory_bytes": 4 * GIB, "disk_bytes": 512 * MIB, "egress_bytes": 100 * GIB},
)
CEILINGS = Ceilings(default_budget=DEFAULT, max_budget=MOST)
LEAST: dict[str, float] = dict.fromkeys(AMOUNTS, 1) | {
    "memory_bytes": 256 * MIB,
    "processes": 64,
    "cpu_cores": 0.1,
    "disk_bytes": 16 * MIB,
    "egress_bytes": 0,
}
RAISED = {"action_window_ms": CEILINGS.min_action_window_ms}
"""Granted where less is asked for."""


def refused(request: SessionRequest, ceilings: Ceilings = CEILINGS) -> str:
    with pytest.raises(InvalidError) as caught:
        effective_options(request, ceilings)
    return str(caught.value.fields["field"])


def test_an_empty_request_gets_the_servers_defaults() -> None:
    options = effective_options(SessionRequest(), CEILINGS)

    assert options.budget == DEFAULT
    assert (options.idle_timeout_s, options.lifetime_s) == (600, 3600)
    assert options.start_url is options.locale is options.timezone is options.user_agent is None
    assert options.labels == {}


@pytest.mark.parametrize("name", LEAST)
def test_an_amount_above_its_ceiling_is_lowered_to_it(name: str) -> None:
    asked = 1000.0 if name == "cpu_cores" else 1 << 62
    options = effective_options(SessionRequest(budget=BudgetRequest(**{name: asked})), CEILINGS)

    assert getattr(options.budget, name) == getattr(MOST, name)
    assert replace(options.budget, **{name: getattr(DEFAULT, name)}) == DEFAULT, "no other amount may move"


@pytest.mark.parametrize("name", LEAST)
def test_the_least_amount_is_granted_and_one_less_is_refused(name: str) -> None:
    least = LEAST[name]
    granted = effective_options(SessionRequest(budget=BudgetRequest(**{name: least})), CEILINGS)
    assert getattr(granted.budget, name) == RAISED.get(name, least)

    below = least - (0.001 if name == "cpu_cores" else 1)
    assert refused(SessionRequest(budget=BudgetRequest(**{name: below}))) == f"budget.{name}"


@pytest.mark.parametrize("cores", [math.nan, math.inf, -math.inf, -1.0, 0.0, 0.09, 1e9])
def test_a_number_of_cores_that_makes_no_sense_is_refused(cores: float) -> None:
    assert refused(SessionRequest(budget=BudgetRequest(cpu_cores=cores))) == "budget.cpu_cores"


@pytest.mark.parametrize("name", [name for name in LEAST if name != "cpu_cores"])
@pytest.mark.parametrize("amount", [-1, -(1 << 70)])
def test_a_negative_amount_is_refused(name: str, amount: int) -> None:
    assert refused(SessionRequest(budget=BudgetRequest(**{name: amount}))) == f"budget.{name}"


@pytest.mark.parametrize(
    ("memory", "disk", "granted"), [(GIB, GIB, 512 * MIB), (GIB, None, 128 * MIB), (None, GIB, 512 * MIB)]
)
def test_files_fill_no_more_than_half_of_the_memory_that_they_are_in(
    memory: int | None, disk: int | None, granted: int
) -> None:
    ceilings = Ceilings(default_budget=DEFAULT, max_budget=replace(MOST, disk_bytes=4 * GIB))
    request = SessionRequest(budget=BudgetRequest(memory_bytes=memory, disk_bytes=disk))

    assert effective_options(request, ceilings).budget.disk_bytes == granted


def test_a_default_above_the_ceiling_is_lowered_too() -> None:
    ceilings = Ceilings(default_budget=MOST, max_budget=DEFAULT)

    assert effective_options(SessionRequest(), ceilings).budget == DEFAULT


@pytest.mark.parametrize("field", ["idle_timeout_s", "lifetime_s"])
def test_a_time_is_clamped_above_and_refused_below_one_second(field: str) -> None:
    assert getattr(effective_options(SessionRequest(**{field: 1 << 60}), CEILINGS), field) == 86_400
    assert getattr(effective_options(SessionRequest(**{field: 1}), CEILINGS), field) == 1
    assert refused(SessionRequest(**{field: 0})) == field
    assert refused(SessionRequest(**{field: -5})) == field


def test_egress_bytes_may_be_given_beside_the_budget_and_the_budget_wins() -> None:
    beside = SessionRequest(egress_max_bytes=5 * MIB)
    both = SessionRequest(egress_max_bytes=5 * MIB, budget=BudgetRequest(egress_bytes=6 * MIB))

    assert effective_options(beside, CEILINGS).budget.egress_bytes == 5 * MIB
    assert effective_options(both, CEILINGS).budget.egress_bytes == 6 * MIB
    assert refused(SessionRequest(egress_max_bytes=-1)) == "budget.egress_bytes"


def test_what_may_be_asked_for_is_what_is_granted() -> None:
    assert {field.name for field in fields(BudgetRequest)} == {field.name for field in fields(Budget)}


@given(
    st.builds(
        BudgetRequest,
        **{name: st.none() | (st.floats() if name == "cpu_cores" else st.integers()) for name in AMOUNTS},
    )
)
def test_no_budget_that_is_granted_is_outside_the_servers_limits(asked: BudgetRequest) -> None:
    try:
        granted = effective_options(SessionRequest(budget=asked), CEILINGS).budget
    except InvalidError:
        return
    for name in AMOUNTS:
        assert LEAST[name] <= getattr(granted, name) <= getattr(MOST, name), name


def test_a_window_is_no_shorter_than_the_servers_for_a_shorter_one_lets_more_through() -> None:
    ceilings = replace(CEILINGS, min_action_window_ms=1500)
    for asked, granted in ((1, 1500), (1500, 1500), (1800, 1800), (None, 1500)):
        request = SessionRequest(budget=BudgetRequest(action_window_ms=asked))
        assert effective_options(request, ceilings).budget.action_window_ms == granted


def test_whether_a_session_ends_with_its_budget_is_asked_for_by_name() -> None:
    def granted(asked: str | None, default: OnExhausted = OnExhausted.REFUSE) -> OnExhausted:
        ceilings = replace(CEILINGS, default_budget=replace(DEFAULT, on_exhausted=default))
        return effective_options(SessionRequest(budget=BudgetRequest(on_exhausted=asked)), ceilings).budget.on_exhausted

    assert granted(None) is granted("refuse", OnExhausted.END) is OnExhausted.REFUSE
    assert granted("end") is granted(None, OnExhausted.END) is OnExhausted.END
    assert refused(SessionRequest(budget=BudgetRequest(on_exhausted="explode"))) == "budget.on_exhausted"


def test_domains_are_brought_to_one_form() -> None:
    asked = (" Shop.TEST. ", "*.shop.test", ".shop.test", "münchen.test", "10.0.0.5", "[::1]", "localhost")
    options = effective_options(SessionRequest(action_allowed_domains=asked), CEILINGS)

    assert options.action_allowed_domains == ("shop.test", "xn--mnchen-3ya.test", "10.0.0.5", "::1", "localhost")


@pytest.mark.parametrize(
    "text",
    [
        *("", ".", "*", "*.", "**.a.test", "*.*.test", "a.*.test", "a b", "http://a.test", "a.test/x", "a.test:80"),
        *("10.0.0.0/8", "*.10.0.0.5/8", "-a.test", "a..test", "a" * 64 + ".test", "a\n.test", "a\x00", "\ud800", "a@b"),
    ],
)
def test_what_is_no_domain_is_refused(text: str) -> None:
    assert refused(SessionRequest(action_allowed_domains=("a.test", text))) == "action_allowed_domains"


def test_so_many_domains_and_no_more() -> None:
    many = tuple(f"h{n}.test" for n in range(MAX_ALLOWED_DOMAINS + 1))

    assert refused(SessionRequest(action_allowed_domains=many)) == "action_allowed_domains"
    assert len(effective_options(SessionRequest(action_allowed_domains=many[1:]), CEILINGS).action_allowed_domains) == (
        MAX_ALLOWED_DOMAINS
    )


def test_an_engine_that_the_server_lacks_is_refused() -> None:
    assert refused(SessionRequest(engine=Engine.CHROME)) == "engine"

    both = replace(CEILINGS, engines=frozenset({"shell", "chrome"}))
    assert effective_options(SessionRequest(engine=Engine.CHROME), both).engine is Engine.CHROME


@pytest.mark.parametrize(
    "viewport",
    [
        Viewport(width=49),
        Viewport(height=49),
        Viewport(width=10_001),
        Viewport(height=10_001),
        Viewport(width=-1280),
        Viewport(width=5000, height=5000),
        Viewport(width=4000, height=4000, device_scale_factor=8),
        Viewport(device_scale_factor=0),
        Viewport(device_scale_factor=0.24),
        Viewport(device_scale_factor=8.01),
        Viewport(device_scale_factor=math.nan),
        Viewport(device_scale_factor=math.inf),
        Viewport(device_scale_factor=-1),
    ],
)
def test_a_viewport_that_no_screen_has_is_refused(viewport: Viewport) -> None:
    assert refused(SessionRequest(viewport=viewport)) == "viewport"


@pytest.mark.parametrize("viewport", [Viewport(), Viewport(width=50, height=50), Viewport(device_scale_factor=3)])
def test_a_viewport_within_the_limits_is_taken_as_it_is(viewport: Viewport) -> None:
    assert effective_options(SessionRequest(viewport=viewport), CEILINGS).viewport == viewport


HOSTILE = [
    "--no-sandbox",
    "-x",
    "en US",
    "en\nUS",
    "en\n",
    "en\x00",
    "../../etc/passwd",
    ":/etc/passwd",
    "/etc/localtime",
    "en;rm",
    "en,de;q=0.5",
    "é",
    "",
    "a" * 200,
    "\ud800",
]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("field", ["locale", "timezone"])
def test_a_locale_or_time_zone_cannot_smuggle_anything(field: str, text: str) -> None:
    assert refused(SessionRequest(**{field: text})) == field


@pytest.mark.parametrize("locale", ["de", "en-US", "zh-Hant-TW", "sr-Latn-RS"])
def test_ordinary_locales_pass(locale: str) -> None:
    assert effective_options(SessionRequest(locale=locale), CEILINGS).locale == locale


@pytest.mark.parametrize(
    "timezone", ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+5", "America/Port-au-Prince"]
)
def test_ordinary_time_zones_pass(timezone: str) -> None:
    assert effective_options(SessionRequest(timezone=timezone), CEILINGS).timezone == timezone


@pytest.mark.parametrize("agent", ["", "a\nb", "a\x7f", "a\tb", "x" * 513, "ünicode", "\ud800"])
def test_a_user_agent_is_one_line_of_plain_characters(agent: str) -> None:
    assert refused(SessionRequest(user_agent=agent)) == "user_agent"
    assert effective_options(SessionRequest(user_agent="Mozilla/5.0 (X11) --x"), CEILINGS).user_agent is not None


@pytest.mark.parametrize(
    "url",
    [
        "",
        "--no-sandbox",
        " --no-sandbox",
        "-",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "FILE:///etc/passwd",
        "data:text/html,x",
        "chrome://settings",
        "view-source:http://a/",
        "about:config",
        "about:blank#x",
        "about:blank ",
        "ftp://a/",
        "blob:http://a/x",
        "//example.com/",
        "example.com",
        "http://",
        "http:///path",
        "http:/one-slash",
        "http:example.com",
        "https://user@example.com/",
        "https://user:secret@example.com/",
        "https://:secret@example.com/",
        "http://a/ --no-sandbox",
        "http://a/\n--no-sandbox",
        "http://a/\r\nX: y",
        "ht\ntp://a/",
        "http://a/\x00",
        "http://a/\x1b[2J",
        "http://a/\u202egnp.exe",
        "http://a/\ud800",
        "http://a:0/",
        "http://a:65536/",
        "http://a:-1/",
        "http://a:x/",
        "http://[::1",
        "http://[zz]/",
        "http://a/" + "x" * 8192,
    ],
)
def test_a_start_url_that_is_more_than_a_web_address_is_refused(url: str) -> None:
    assert refused(SessionRequest(start_url=url)) == "start_url"


@pytest.mark.parametrize(
    "url", ["about:blank", "http://a", "https://example.com:8443/x?y=z#w", "HTTPS://EXAMPLE.COM/", "http://[::1]:8000/"]
)
def test_a_plain_web_address_is_taken(url: str) -> None:
    assert effective_options(SessionRequest(start_url=url), CEILINGS).start_url == url


@given(st.text(max_size=60), st.sampled_from(["", "http://", "https://a/", "https://a:"]))
def test_whatever_start_url_passes_can_be_a_last_argument(text: str, head: str) -> None:
    url = head + text
    try:
        effective_options(SessionRequest(start_url=url), CEILINGS)
    except InvalidError:
        return
    assert url == "about:blank" or url.lower().startswith(("http://", "https://"))
    assert url.isprintable()
    assert " " not in url
    assert url.encode(), "a lone surrogate could not be passed to a program"


@pytest.mark.parametrize(
    "labels",
    [
        {"": "x"},
        {"-x": "x"},
        {"a b": "x"},
        {"a\n": "x"},
        {"k" * 64: "x"},
        {"ключ": "x"},
        {"k": "x" * 257},
        {"k": "a\nb"},
        {"k": "\x00"},
        {"k": "\ud800"},
        {f"k{n}": "x" for n in range(MAX_LABELS + 1)},
    ],
)
def test_labels_outside_their_limits_are_refused(labels: dict[str, str]) -> None:
    assert refused(SessionRequest(labels=labels)) == "labels"


def test_labels_within_their_limits_are_kept() -> None:
    labels = {"k" * 63: "x" * 256, "team/a.b_c-1": "", "name": "Möwe 🐦"} | {f"n{n}": "" for n in range(MAX_LABELS - 3)}

    assert effective_options(SessionRequest(labels=labels), CEILINGS).labels == labels


def test_the_options_do_not_share_the_callers_labels() -> None:
    labels = {"a": "1"}
    options = effective_options(SessionRequest(labels=labels), CEILINGS)
    labels["b"] = "2"

    assert options.labels == {"a": "1"}


def test_the_host_lists_are_counted_together() -> None:
    third = tuple(f"h{n}.test" for n in range(MAX_HOSTS // 3 + 1))
    egress = EgressOptions(allow_hosts=third, deny_hosts=third, private_hosts=third)

    assert refused(SessionRequest(egress=egress)) == "egress"


def test_a_private_session_may_have_downloads_too() -> None:
    assert effective_options(SessionRequest(private=True), CEILINGS).downloads is Downloads.QUARANTINE
    assert effective_options(SessionRequest(downloads=Downloads.OFF), CEILINGS).downloads is Downloads.OFF
    assert effective_options(SessionRequest(), CEILINGS).downloads is Downloads.QUARANTINE


@pytest.mark.parametrize(
    ("asked", "most", "given"),
    [
        (None, ClipboardPolicy.BOTH, ClipboardPolicy.IN),
        (ClipboardPolicy.BOTH, ClipboardPolicy.BOTH, ClipboardPolicy.BOTH),
        (ClipboardPolicy.BOTH, ClipboardPolicy.IN, ClipboardPolicy.IN),
        (ClipboardPolicy.OUT, ClipboardPolicy.IN, ClipboardPolicy.OFF),
        (None, ClipboardPolicy.OUT, ClipboardPolicy.OFF),
        (ClipboardPolicy.OFF, ClipboardPolicy.BOTH, ClipboardPolicy.OFF),
    ],
)
def test_the_clipboard_is_held_to_what_the_server_lets_through(
    asked: ClipboardPolicy | None, most: ClipboardPolicy, given: ClipboardPolicy
):
    request = SessionRequest(live=LiveRequest(clipboard=asked))
    assert effective_options(request, replace(CEILINGS, max_clipboard=most)).live.clipboard is given


@pytest.mark.parametrize(
    ("asked", "server", "given"),
    [
        (None, RecordPolicy.ON_REQUEST, RecordPolicy.ON_REQUEST),
        (RecordPolicy.ALWAYS, RecordPolicy.ON_REQUEST, RecordPolicy.ALWAYS),
        (RecordPolicy.OFF, RecordPolicy.ON_REQUEST, RecordPolicy.OFF),
        (RecordPolicy.OFF, RecordPolicy.ALWAYS, RecordPolicy.ALWAYS),
        (RecordPolicy.ALWAYS, RecordPolicy.OFF, RecordPolicy.OFF),
    ],
)
def test_whether_a_session_is_recorded_is_the_servers_last_word(
    asked: RecordPolicy | None, server: RecordPolicy, given: RecordPolicy
):
    request = SessionRequest(live=LiveRequest(record=asked))
    assert effective_options(request, replace(CEILINGS, record=server)).live.record is given
