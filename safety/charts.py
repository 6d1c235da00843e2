"""Draws the few charts that reports need as SVG text: bars with intervals, lines, histograms.

Written here so that a report needs no plotting package: SVG renders in Markdown viewers and browsers, and the same
figures always give the same bytes. It computes nothing but positions; figures come from `safety.figures`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#999999")
"""Okabe and Ito's colours, which people with any colour vision can tell apart."""

WIDTH, SIDE, TOP, ROW = 720, 56, 40, 22
"""Pixels: of a chart, of its margins, of its title, of one bar."""

PLOT = 320
"""Height of the plot of a line chart or histogram, in pixels."""

MAX_POINTS = 400
"""Points of a line that are drawn; more are thinned out evenly."""


@dataclass(frozen=True)
class Bar:
    """A share in [0, 1] with its interval; `value` None is drawn as an empty row that says so."""

    name: str
    value: float | None
    interval: tuple[float, float] = (0.0, 1.0)
    note: str = ""
    """Stands right of the bar: `12 of 40`."""


@dataclass(frozen=True)
class Line:
    """Points (x, y), each in [0, 1], joined in this order."""

    name: str
    points: Sequence[tuple[float, float]]
    marked: bool = False
    """A dot on every point: for few of them."""


def bar_chart(title: str, bars: Sequence[Bar]) -> str:
    """Return horizontal bars from 0 to 1, each with its interval as a whisker."""
    left, right = 190, WIDTH - 130
    span = right - left
    height = TOP + ROW * len(bars) + 40
    parts = []
    for tick in range(0, 101, 20):
        x = left + span * tick / 100
        parts.append(_line(x, TOP, x, height - 34, "#dddddd"))
        parts.append(_text(x, height - 18, f"{tick} %", "middle"))
    for number, bar in enumerate(bars):
        y = TOP + ROW * number
        parts.append(_text(left - 8, y + 15, bar.name, "end"))
        if bar.value is None:
            parts.append(_text(left + 6, y + 15, "not measured", "start", "#999999"))
            continue
        low, high = (left + span * edge for edge in bar.interval)
        middle = y + ROW / 2
        parts.append(
            f'<rect x="{left}" y="{y + 4}" width="{span * bar.value:.1f}" height="{ROW - 8}" fill="{PALETTE[0]}"/>'
        )
        parts.append(_line(low, middle, high, middle, "#000000", 1.5))
        parts += [_line(x, middle - 4, x, middle + 4, "#000000", 1.5) for x in (low, high)]
        parts.append(_text(right + 8, y + 15, f"{bar.value:.1%} {bar.note}".strip(), "start"))
    return _svg(title, height, parts)


def column_chart(title: str, columns: Mapping[str, Mapping[str, int]]) -> str:
    """Return stacked columns of counts: column -> part -> count, parts in the order of the first column."""
    names = list(next(iter(columns.values()), {}))
    tallest = max((sum(parts.values()) for parts in columns.values()), default=0) or 1
    ticks = [f"{round(tallest * step / 5):,}" for step in range(6)]
    parts = _axes("", "", [""] * 2, ticks)
    width = 1 / max(1, len(columns))
    for place, (column, counts) in enumerate(columns.items()):
        below = 0
        for number, name in enumerate(names):
            if not (count := counts.get(name, 0)):
                continue
            left, top = _place((place + 0.15) * width, (below + count) / tallest)
            right, bottom = _place((place + 0.85) * width, below / tallest)
            below += count
            parts.append(
                f'<rect x="{left:.1f}" y="{top:.1f}" width="{right - left:.1f}" height="{bottom - top:.1f}" '
                f'fill="{PALETTE[number % len(PALETTE)]}"/>'
            )
        parts.append(_text(*_place((place + 0.5) * width, -0.05), column, "middle"))
    parts += _legend(names)
    return _svg(title, _height(len(names)), parts)


def line_chart(title: str, lines: Sequence[Line], *, x: str, y: str, diagonal: bool = False) -> str:
    """Return lines over axes that run from 0 to 1; `diagonal` adds the line on which x equals y."""
    height = _height(len(lines))
    parts = _axes(x, y, ["0", "0.2", "0.4", "0.6", "0.8", "1"], ["0", "0.2", "0.4", "0.6", "0.8", "1"])
    if diagonal:
        parts.append(_line(*_place(0, 0), *_place(1, 1), "#999999"))
    for number, line in enumerate(lines):
        colour = PALETTE[number % len(PALETTE)]
        points = [_place(*point) for point in _thinned(line.points)]
        if points:
            path = " ".join(f"{px:.1f},{py:.1f}" for px, py in points)
            parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        if line.marked:
            parts += [f'<circle cx="{px:.1f}" cy="{py:.1f}" r="3.5" fill="{colour}"/>' for px, py in points]
    parts += _legend([line.name for line in lines])
    return _svg(title, height, parts)


def histogram(title: str, groups: Mapping[str, Sequence[float]], *, x: str, bins: int = 20) -> str:
    """Return, for each group of numbers in [0, 1], the share of the group that lies in each bin, side by side."""
    shares = {name: _shares(values, bins) for name, values in groups.items()}
    tallest = max((share for each in shares.values() for share in each), default=0.0) or 1.0
    ticks = [f"{tallest * step / 5:.0%}" for step in range(6)]
    parts = _axes(x, "share of the group", ["0", "0.2", "0.4", "0.6", "0.8", "1"], ticks)
    width = 1 / bins / (len(shares) + 0.5) if shares else 0.0
    for number, each in enumerate(shares.values()):
        for place, share in enumerate(each):
            left, top = _place(place / bins + width * number, share / tallest)
            right, bottom = _place(place / bins + width * (number + 1), 0)
            if share:
                parts.append(
                    f'<rect x="{left:.1f}" y="{top:.1f}" width="{right - left:.1f}" height="{bottom - top:.1f}" '
                    f'fill="{PALETTE[number % len(PALETTE)]}"/>'
                )
    parts += _legend([f"{name} (N = {len(values)})" for name, values in groups.items()])
    return _svg(title, _height(len(groups)), parts)


def _shares(values: Sequence[float], bins: int) -> list[float]:
    counts = [0] * bins
    for value in values:
        counts[min(max(int(value * bins), 0), bins - 1)] += 1
    return [count / len(values) if values else 0.0 for count in counts]


def _thinned(points: Sequence[tuple[float, float]]) -> Sequence[tuple[float, float]]:
    if len(points) <= MAX_POINTS:
        return points
    step = (len(points) - 1) / (MAX_POINTS - 1)
    return [points[round(step * number)] for number in range(MAX_POINTS)]


def _place(x: float, y: float) -> tuple[float, float]:
    return SIDE + 14 + x * (WIDTH - 2 * SIDE), TOP + PLOT * (1 - y)


def _height(names: int) -> int:
    return TOP + PLOT + 56 + 18 * ((names + 1) // 2)


def _axes(x: str, y: str, x_ticks: Sequence[str], y_ticks: Sequence[str]) -> list[str]:
    parts = []
    for number, tick in enumerate(x_ticks):
        px, bottom = _place(number / (len(x_ticks) - 1), 0)
        parts += [_line(px, TOP, px, bottom, "#dddddd"), _text(px, bottom + 16, tick, "middle")]
    for number, tick in enumerate(y_ticks):
        left, py = _place(0, number / (len(y_ticks) - 1))
        parts += [_line(left, py, WIDTH - SIDE + 14, py, "#dddddd"), _text(left - 6, py + 4, tick, "end")]
    middle = TOP + PLOT / 2
    parts.append(_text(WIDTH / 2, TOP + PLOT + 36, x, "middle"))
    parts.append(
        f'<text x="14" y="{middle}" text-anchor="middle" transform="rotate(-90 14 {middle})">{escape(y)}</text>'
    )
    return parts


def _legend(names: Iterable[str]) -> list[str]:
    parts = []
    for number, name in enumerate(names):
        left, top = SIDE + 14 + (number % 2) * (WIDTH - SIDE) / 2, TOP + PLOT + 46 + 18 * (number // 2)
        colour = PALETTE[number % len(PALETTE)]
        parts.append(f'<rect x="{left}" y="{top}" width="12" height="12" fill="{colour}"/>')
        parts.append(_text(left + 18, top + 11, name, "start"))
    return parts


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, width: float = 1.0) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" stroke-width="{width:g}"/>'


def _text(x: float, y: float, words: str, anchor: str, colour: str = "#000000") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{escape(words)}</text>'


def _svg(title: str, height: int, parts: Iterable[str]) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" '
        f'font-family="sans-serif" font-size="12" role="img" aria-label="{escape(title)}">'
    )
    ground = f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>'
    heading = f'<text x="{WIDTH / 2:g}" y="22" text-anchor="middle" font-size="15">{escape(title)}</text>'
    return "\n".join([head, ground, heading, *parts, "</svg>"]) + "\n"
