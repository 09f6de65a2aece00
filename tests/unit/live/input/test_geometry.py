"""Scaling and letterboxing between a viewer's box and the page."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.live.input.geometry import Point, fit


@pytest.mark.parametrize(
    ("box", "page", "at", "expected"),
    [
        pytest.param((0, 0), (1280, 720), (10.5, 20), (10.5, 20), id="no box: the page's own pixels"),
        pytest.param((640, 360), (1280, 720), (320, 180), (640, 360), id="half the size"),
        pytest.param((2560, 1440), (1280, 720), (2000, 1000), (1000, 500), id="twice the size"),
        pytest.param((1280, 920), (1280, 720), (10, 100), (10, 0), id="bars above and below"),
        pytest.param((1480, 720), (1280, 720), (100, 7), (0, 7), id="bars left and right"),
        pytest.param((640, 460), (1280, 720), (320, 230), (640, 360), id="smaller, with bars"),
    ],
)
def test_a_place_in_the_box_is_one_on_the_page(
    box: tuple[int, int], page: tuple[int, int], at: tuple[float, float], expected: tuple[float, float]
) -> None:
    where = fit(*box, *page)
    assert where is not None
    assert where.inside(*at) == Point(*expected)


@pytest.mark.parametrize("at", [(-1, 100), (1280, 100), (100, -0.1), (100, 720), (1e6, 1e6)])
def test_what_begins_beside_the_page_is_refused_and_what_goes_on_comes_to_its_edge(at: tuple[float, float]) -> None:
    where = fit(0, 0, 1280, 720)
    assert where is not None
    assert where.inside(*at) is None
    nearest = where.nearest(*at)
    assert nearest is not None
    assert where.inside(nearest.x, nearest.y) == nearest
    assert nearest.x in (0, 100, 1279)
    assert nearest.y in (0, 100, 719)


def test_a_press_in_the_bars_is_beside_the_page() -> None:
    where = fit(1280, 920, 1280, 720)
    assert where is not None
    assert where.inside(640, 99) is None
    assert where.inside(640, 820) is None
    assert where.nearest(640, 900) == Point(640, 719)


@pytest.mark.parametrize(
    ("width", "height", "page_width", "page_height"),
    [
        (640, 0, 1280, 720),
        (0, 360, 1280, 720),
        (-1, -1, 1280, 720),
        (640, 360, 0, 0),
        (0, 0, 0, 720),
        (0, 0, -1280, 720),
        (0, 0, 1e7, 720),
        (math.nan, 360, 1280, 720),
        (math.inf, math.inf, 1280, 720),
        (640, 360, math.nan, 720),
        (640, 360, 1280, math.inf),
        (5e-324, 5e-324, 1280, 720),
    ],
)
def test_a_box_or_a_page_that_makes_no_sense_is_refused(
    width: float, height: float, page_width: float, page_height: float
) -> None:
    assert fit(width, height, page_width, page_height) is None


@pytest.mark.parametrize("at", [(math.nan, 1), (1, math.nan), (math.inf, 1), (1, -math.inf)])
@pytest.mark.parametrize("box", [(0, 0), (640, 360)])
def test_a_place_that_is_no_number_is_nowhere(box: tuple[int, int], at: tuple[float, float]) -> None:
    where = fit(*box, 1280, 720)
    assert where is not None
    assert where.inside(*at) is None
    assert where.nearest(*at) is None


sides = st.floats(min_value=1, max_value=1e5)


@given(sides, sides, sides, sides, st.floats(0, 0.999), st.floats(0, 0.999))
def test_there_and_back_is_the_same_place(
    width: float, height: float, page_width: float, page_height: float, across: float, down: float
) -> None:
    where = fit(width, height, page_width, page_height)
    assert where is not None
    point = Point(page_width * across, page_height * down)
    x, y = where.to_box(point)
    assert -1e-6 * width <= x <= width * (1 + 1e-6)
    assert -1e-6 * height <= y <= height * (1 + 1e-6)
    back = where.to_page(x, y)
    assert back is not None
    # The width of the bars is lost in, so the error grows with how much larger the page is than its picture.
    tolerance = 1e-9 * (width + height) / where.scale + 1e-6
    assert math.isclose(back.x, point.x, abs_tol=tolerance)
    assert math.isclose(back.y, point.y, abs_tol=tolerance)


anything = st.floats(allow_nan=True, allow_infinity=True)


@given(anything, anything, anything, anything, anything, anything)
def test_whatever_comes_what_is_found_lies_on_the_page(
    width: float, height: float, page_width: float, page_height: float, x: float, y: float
) -> None:
    where = fit(width, height, page_width, page_height)
    for point in (where.inside(x, y), where.nearest(x, y)) if where else ():
        if point is not None:
            assert 0 <= point.x < page_width
            assert 0 <= point.y < page_height
