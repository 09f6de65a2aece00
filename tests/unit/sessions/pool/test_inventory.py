"""Which stock serves whom: creates without a pool by what they ask for, and named pools nobody else."""

from dataclasses import replace

from cloche.sessions.model import Viewport
from cloche.sessions.pool import inventory as module
from cloche.sessions.pool.inventory import DEFAULT, Inventory
from cloche.sessions.pool.shape import shape_of
from cloche.sessions.pool.stock import Stock
from cloche.testing.sessions import make_options

PLAIN = make_options()
PHONE = make_options(viewport=Viewport(width=400))


def test_who_asks_for_nothing_special_is_served_by_what_was_set() -> None:
    inventory = Inventory(PLAIN, 2)
    stock = inventory.serving(replace(PLAIN, labels={"a": "1"}), DEFAULT)
    assert stock is inventory.stocks[0]
    assert (stock.pool, stock.size) == (DEFAULT, 2)


def test_a_shape_that_is_asked_for_is_learnt_and_forgotten_and_what_was_counted_of_it_stays() -> None:
    inventory = Inventory(PLAIN, 1)
    assert inventory.find(shape_of(PHONE), DEFAULT) is None, "looking learns nothing"
    learnt = inventory.serving(PHONE, DEFAULT)
    assert learnt is not None
    assert (learnt.pool, learnt.size) == (DEFAULT, 0)
    assert inventory.serving(replace(PHONE, lifetime_s=7), DEFAULT) is learnt
    learnt.demand.note(0.0)
    learnt.takes.misses += 1
    inventory.forget_idle(300.0)
    assert inventory.stocks[1:] == [learnt]
    learnt.under_construction = 1
    inventory.forget_idle(301.0)
    assert inventory.stocks[1:] == [learnt], "one of it is on its way"
    learnt.under_construction = 0
    inventory.forget_idle(301.0)
    assert inventory.stocks[1:] == []
    assert inventory.stocks[0].takes.misses == 1


def test_no_more_shapes_are_learnt_than_can_be_looked_after() -> None:
    inventory = Inventory(PLAIN, 1)
    for width in range(module.MAX_SHAPES):
        assert inventory.serving(make_options(viewport=Viewport(width=400 + width)), DEFAULT) is not None
    assert inventory.serving(make_options(locale="de-DE"), DEFAULT) is None
    assert inventory.serving(PHONE, DEFAULT) is not None


def test_without_a_size_the_default_pool_serves_nobody() -> None:
    inventory = Inventory(PLAIN, 0)
    assert [inventory.serving(options, DEFAULT) for options in (PLAIN, PHONE)] == [None, None]
    assert inventory.find(shape_of(PLAIN), DEFAULT) is None
    assert len(inventory.stocks) == 1


def test_a_named_pool_serves_what_it_was_made_for_and_learns_nothing() -> None:
    inventory = Inventory(PLAIN, 0)
    inventory.named["blue"] = blue = Stock("blue", PHONE, 1)
    assert inventory.serving(PHONE, "blue") is blue
    assert inventory.serving(PLAIN, "blue") is None, "its options have changed since it was asked"
    assert inventory.serving(PHONE, "red") is None
    assert inventory.serving(PHONE, DEFAULT) is None
    assert len(inventory.stocks) == 2


def test_a_start_page_that_a_browser_that_is_up_cannot_be_sent_to_is_served_by_none() -> None:
    inventory = Inventory(PLAIN, 1)
    asks = replace(PLAIN, start_url="https://a.example/" + "%20" * 4000)
    assert inventory.serving(asks, DEFAULT) is None
