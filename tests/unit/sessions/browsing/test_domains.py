import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cloche.browser.contract.common import ActionError, Failure
from cloche.sessions.browsing.domains import AllowedDomains, host_of

SHOP = AllowedDomains(("shop.test", "10.0.0.5", "::1", "xn--mnchen-3ya.test"))


def refused(url: str, domains: AllowedDomains = SHOP) -> ActionError:
    with pytest.raises(ActionError) as caught:
        domains.require_page(url)
    return caught.value


@pytest.mark.parametrize(
    "url",
    [
        "https://shop.test/",
        "http://shop.test:8080/cart?x=\\#y",
        "https://www.shop.test/",
        "https://a.b.c.shop.test./x",
        "HTTPS://WWW.Shop.TEST",
        "https://ann:pw@shop.test/",
        "http://10.0.0.5/",
        "http://[::1]:8000/",
        "http://[0:0:0:0:0:0:0:1]/",
        "https://münchen.test/",
        "blob:https://shop.test/8b1c",
    ],
)
def test_a_domain_and_what_is_below_it_may_be_acted_on_and_gone_to(url: str) -> None:
    SHOP.require_page(url)
    SHOP.require_destination(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.test/",
        "https://notshop.test/",
        "https://shop.test.evil.test/",
        "https://test/",
        "https://evil.test/shop.test",
        "https://evil.test/?shop.test",
        "https://evil.test#@shop.test",
        "https://shop.test@evil.test/",
        # Chromium ends the authority at a backslash.
        "https://evil.test\\@shop.test/",
        "https://evil.test\\.shop.test/",
        "https:\\\\evil.test/https://shop.test/",
        "https:shop.test",
        "https:///shop.test",
        "//shop.test/",
        "shop.test",
        "https://sh%6Fp.test/",
        "https://a@b@shop.test/",
        "http://10.0.0.5.evil.test/",
        "http://110.0.0.5/",
        "http://1.10.0.0.5/",
        "http://167772165/",
        "http://0xa.0.0.5/",
        "http://[::2]/",
        "http://[shop.test]/",
        "http://[::1",
        "https://shop.test:x/",
        "ftp://shop.test/",
        "file://shop.test/etc/passwd",
        "javascript:alert(1)//shop.test",
        "data:text/html,https://shop.test/",
        "chrome-error://chromewebdata/",
        "about:srcdoc",
        "about:blank#shop.test",
        "filesystem:https://shop.test/temporary/x",
        "blob:null/8b1c",
        "https://shop.test\u3002evil.test/",
        " https://evil.test/ shop.test",
        "https://" + "a" * 300 + ".shop.test/",
    ],
)
def test_everything_else_is_refused_by_the_lists_name(url: str) -> None:
    for require in (SHOP.require_page, SHOP.require_destination):
        with pytest.raises(ActionError) as caught:
            require(url)
        assert caught.value.code is Failure.DOMAIN_NOT_ALLOWED
        assert caught.value.rule == "action_allowed_domains"
        assert len(caught.value.detail) <= 512


def test_a_blank_page_may_be_opened_and_not_be_acted_on() -> None:
    SHOP.require_destination("about:blank")
    SHOP.require_destination("")

    assert "this page" in refused("about:blank").detail
    assert "this page" in refused("").detail


def test_without_a_list_everything_is_allowed() -> None:
    for url in ("https://evil.test/", "about:blank", "", "chrome://version", "\\"):
        AllowedDomains(()).require_page(url)
        AllowedDomains(()).require_destination(url)


def test_the_refusal_names_the_host_and_nothing_else_of_the_address() -> None:
    detail = refused("https://ann:secret@evil.test/token?x=y").detail

    assert detail == "evil.test is not among the session's allowed domains"


@given(st.text(max_size=40), st.text(alphabet="/\\@:.?#%[]ashoptest", max_size=30))
@example("", "\\@shop.test")
def test_an_address_of_another_host_is_never_taken_for_an_allowed_one(head: str, tail: str) -> None:
    """Whatever stands around it: WHATWG ends the authority at the first slash of either kind, `?` or `#`."""
    assert str(host_of(f"https://evil.test/{head}{tail}")) in ("evil.test", "None")
    assert host_of(f"https://evil.test\\{head}{tail}") is None
