"""Charts are well-formed SVG that shows every figure it was given."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from safety.charts import MAX_POINTS, Bar, Line, bar_chart, histogram, line_chart

NS = "{http://www.w3.org/2000/svg}"


def drawn(svg: str) -> ET.Element:
    return ET.fromstring(svg)  # noqa: S314 – what we drew ourselves


def words(svg: str) -> list[str]:
    return [each.text or "" for each in drawn(svg).iter(f"{NS}text")]


def test_a_bar_is_as_long_as_its_share():
    svg = bar_chart("stopped", [Bar("all", 1.0, (0.9, 1.0)), Bar("half", 0.5, (0.4, 0.6), "5 of 10")])

    widths = [float(each.get("width", 0)) for each in drawn(svg).iter(f"{NS}rect")][1:]
    assert widths[1] == pytest.approx(widths[0] / 2)
    assert "50.0% 5 of 10" in words(svg)


def test_a_missing_figure_is_said_and_not_drawn_as_nought():
    svg = bar_chart("stopped", [Bar("nobody", None)])

    assert "not measured" in words(svg)
    assert len(list(drawn(svg).iter(f"{NS}rect"))) == 1  # the ground alone


def test_titles_and_names_cannot_break_the_drawing():
    svg = line_chart('<script>"&', [Line("a<b>&c", [(0, 0), (1, 1)])], x="<x>", y="&y")

    assert '<script>"&' in words(svg)
    assert "a<b>&c" in words(svg)


def test_a_long_line_is_thinned_but_keeps_its_ends():
    points = [(n / 5000, (n / 5000) ** 2) for n in range(5001)]
    line = next(drawn(line_chart("roc", [Line("all", points)], x="x", y="y")).iter(f"{NS}polyline"))
    short = next(drawn(line_chart("roc", [Line("all", [points[0], points[-1]])], x="x", y="y")).iter(f"{NS}polyline"))

    drawn_points = line.get("points", "").split()
    assert len(drawn_points) == MAX_POINTS
    assert [drawn_points[0], drawn_points[-1]] == short.get("points", "").split()


def test_marked_points_are_dots():
    svg = line_chart("calibration", [Line("head", [(0.1, 0.2), (0.9, 0.8)], marked=True)], x="x", y="y", diagonal=True)

    assert len(list(drawn(svg).iter(f"{NS}circle"))) == 2


def test_a_histogram_draws_each_group_as_shares_of_itself():
    svg = histogram("scores", {"unsafe": [0.99] * 4, "benign": [0.01, 0.01, 0.99, 1.0]}, x="score", bins=2)

    bars = [float(each.get("height", 0)) for each in drawn(svg).iter(f"{NS}rect")][1:]
    unsafe_high, benign_low, benign_high = bars[:3]
    assert benign_low == benign_high == pytest.approx(unsafe_high / 2)
    assert "unsafe (N = 4)" in words(svg)


@pytest.mark.parametrize("svg", [bar_chart("a", []), line_chart("b", [], x="x", y="y"), histogram("c", {}, x="x")])
def test_nothing_to_draw_is_still_a_drawing(svg):
    assert drawn(svg).tag == f"{NS}svg"


def test_the_same_figures_give_the_same_bytes():
    bars = [Bar("all", 1 / 3, (0.2, 0.4))]

    assert bar_chart("a", bars) == bar_chart("a", bars)
