"""Charts as inline SVG: drawn with numbers and classes only, coloured by the page's style sheet in dark and light."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from markupsafe import Markup, escape

from eval.report import words

WIDE, TALL = 560, 220
LEFT, BOTTOM, TOP, RIGHT = 46, 30, 14, 14


def whisker(low: float | None, value: float | None, high: float | None, start: float) -> Markup:
    """A dot with its interval on a line from `start` to 1."""
    if value is None or low is None or high is None:
        return Markup("")
    at = [max(0.0, min(1.0, (x - start) / (1 - start))) * 148 + 6 for x in (low, value, high)]
    return Markup(
        '<svg class="whisker" viewBox="0 0 160 16" aria-hidden="true"><path class="rail" d="M6 8H154"/>'
        f'<path class="span" d="M{at[0]:.1f} 8H{at[2]:.1f}"/><circle class="dot" cx="{at[1]:.1f}" cy="8" r="4.5"/></svg>'
    )


def gap(low: float | None, value: float | None, high: float | None, reach: float) -> Markup:
    """A difference with its interval around a zero line; `reach` is the end of the scale on both sides."""
    if value is None or low is None or high is None:
        return Markup("")
    at = [max(-1.0, min(1.0, x / reach)) * 72 + 80 for x in (low, value, high)]
    return Markup(
        '<svg class="whisker" viewBox="0 0 160 16" aria-hidden="true"><path class="rail" d="M8 8H152"/>'
        '<path class="zero" d="M80 1V15"/>'
        f'<path class="span" d="M{at[0]:.1f} 8H{at[2]:.1f}"/><circle class="dot" cx="{at[1]:.1f}" cy="8" r="4.5"/></svg>'
    )


def heat_map(labels: Sequence[str], matrix: Sequence[Sequence[int]]) -> Markup:
    """Rows: expected; columns: read. A cell's tone is its share of the row; what is off the diagonal has a mark."""
    size, room = 15 if len(labels) > 24 else 22, 168
    side = room + size * len(labels) + 6
    parts: list[str] = []
    for y, row in enumerate(matrix):
        total = sum(row)
        parts.append(_text(room - 6, room + y * size + size * 0.72, words.label(labels[y]), "end"))
        x0, y0 = room + y * size + size * 0.7, room - 6
        parts.append(_text(x0, y0, words.label(labels[y]), "start", f'transform="rotate(-90 {x0:.0f} {y0})"'))
        for x, count in enumerate(row):
            if not count:
                continue
            tone = 1 + min(4, int(5 * count / total))
            kind = "hit" if x == y else "miss"
            left, top = room + x * size, room + y * size
            said = str(escape(f"{words.label(labels[y])} read as {words.label(labels[x])}: {count} of {total}"))
            parts.append(
                f'<rect class="{kind} tone{tone}" x="{left + 0.5}" y="{top + 0.5}" width="{size - 1}" '
                f'height="{size - 1}" rx="2"><title>{said}</title></rect>'
            )
            if x != y:
                parts.append(f'<circle class="mark" cx="{left + size / 2}" cy="{top + size / 2}" r="1.6"/>')
    edge = room + size * len(labels)
    grid = f'<path class="grid" d="M{room} {room}H{edge}V{edge}H{room}Z"/>'
    said = (
        f"Heat map of {len(labels)} intents: expected in rows, read in columns. The worst pairs are listed beside it."
    )
    return _svg(side, side, said, [grid, *parts], f'class="heat" width="{side}" height="{side}"')


def reliability(head: str, bins: Sequence[Mapping[str, Any]]) -> Markup:
    """Share that was so over the probability given, on the diagonal where the head means what it says."""
    side, room, edge = 200, 30, 10
    span = side - room - edge
    most = max((float(b.get("count") or 0) for b in bins), default=0) or 1

    def place(b: Mapping[str, Any]) -> tuple[float, float]:
        return room + float(b["mean"]) * span, edge + (1 - float(b["share"])) * span

    dots = [(*place(b), 2.5 + 4.5 * (float(b["count"]) / most) ** 0.5, b) for b in bins if b.get("count")]
    ticks = [f'<path class="grid" d="M{room} {edge}V{edge + span}H{room + span}"/>']
    ticks += [_text(room + t * span, side - 12, f"{t:g}", "middle") for t in (0, 0.5, 1)]
    ticks += [_text(room - 5, edge + (1 - t) * span + 4, f"{t:g}", "end") for t in (0, 0.5, 1)]
    parts = [*ticks, f'<path class="ideal" d="M{room} {edge + span}L{room + span} {edge}"/>']
    if dots:
        parts.append(f'<path class="line" d="M{" L".join(f"{x:.1f} {y:.1f}" for x, y, _, _ in dots)}"/>')
    for x, y, r, b in dots:
        said = f"said {words.share(b['mean'])}, was so in {words.share(b['share'])} of {b['count']}"
        parts.append(
            f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="{r:.1f}"><title>{escape(said)}</title></circle>'
        )
    return _svg(side, side, f"Reliability of {words.label(head)}", parts)


def curve(ks: Sequence[int], recall: Sequence[float]) -> Markup:
    """Recall at k; the axis begins below the lowest point, and says where."""
    start = max(0.0, int(min(recall) * 20 - 0.5) / 20)
    x = {k: LEFT + (WIDE - LEFT - RIGHT) * n / max(1, len(ks) - 1) for n, k in enumerate(ks)}
    y = [TOP + (TALL - TOP - BOTTOM) * (1 - (r - start) / ((1 - start) or 1)) for r in recall]
    parts = [_line(start, start + (1 - start) * t / 4) for t in range(5)]
    parts += [_text(x[k], TALL - 10, str(k), "middle") for k in ks]
    spots = list(zip((x[k] for k in ks), y, strict=True))
    parts.append(f'<path class="line" d="M{" L".join(f"{a:.1f} {b:.1f}" for a, b in spots)}"/>')
    for (a, b), k, r in zip(spots, ks, recall, strict=True):
        said = f"recall at {k}: {words.share(r)}"
        parts.append(f'<circle class="dot" cx="{a:.1f}" cy="{b:.1f}" r="4"><title>{escape(said)}</title></circle>')
    for n in {0, len(ks) - 1}:
        anchor = "start" if n == 0 else "end"
        parts.append(
            _text(spots[n][0] + (8 if n == 0 else 0), spots[n][1] + 18, words.share(recall[n]), anchor, 'class="value"')
        )
    return _svg(WIDE, TALL, f"Recall at {ks[0]} to {ks[-1]}", parts)


def histogram(bars: Sequence[tuple[float | None, int]], marks: Mapping[str, float]) -> Markup:
    """Counts by upper bound in ms (None: no bound), equally wide; `marks` are percentiles."""
    most = max((count for _, count in bars), default=0) or 1
    width = (WIDE - LEFT - RIGHT) / max(1, len(bars))
    floor = TALL - BOTTOM
    parts = [f'<path class="grid" d="M{LEFT} {floor}H{WIDE - RIGHT}"/>']
    every = max(1, -(-len(bars) // 10))
    for n, (upto, count) in enumerate(bars):
        tall = (floor - TOP - 12) * count / most
        said = f"up to {upto:g} ms: {count}" if upto is not None else f"longer: {count}"
        parts.append(
            f'<rect class="bar" x="{LEFT + n * width + 1.5:.1f}" y="{floor - tall:.1f}" width="{max(1, width - 3):.1f}" '
            f'height="{tall:.1f}" rx="2"><title>{escape(said)}</title></rect>'
        )
        if n % every == 0 or n == len(bars) - 1:
            parts.append(_text(LEFT + (n + 1) * width - 2, TALL - 10, "more" if upto is None else f"{upto:g}", "end"))
    bounds = [0.0, *(float(upto) if upto is not None else float("inf") for upto, _ in bars)]
    for name, value in marks.items():
        at = LEFT + width * _place(value, bounds)
        parts.append(f'<path class="zero" d="M{at:.1f} {TOP}V{floor}"/>')
        parts.append(
            _text(at + 5, TOP + (10 if name != "p95" else 26), f"{name} {value:,.0f} ms", "start", 'class="value"')
        )
    return _svg(WIDE, TALL, "Histogram of latency in milliseconds", parts)


def _place(value: float, bounds: Sequence[float]) -> float:
    for n, (low, high) in enumerate(pairwise(bounds)):
        if value <= high:
            return n + (value - low) / (high - low)
    return float(len(bounds) - 1)


def _line(start: float, value: float) -> str:
    y = TOP + (TALL - TOP - BOTTOM) * (1 - (value - start) / ((1 - start) or 1))
    return f'<path class="grid" d="M{LEFT} {y:.1f}H{WIDE - RIGHT}"/>' + _text(
        LEFT - 6, y + 4, f"{100 * value:.3g} %", "end"
    )


def _text(x: float, y: float, said: str, anchor: str, more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {more}>{escape(said)}</text>'


def _svg(wide: float, tall: float, said: str, parts: Iterable[str], more: str = 'class="chart"') -> Markup:
    return Markup(
        f'<svg {more} viewBox="0 0 {wide:g} {tall:g}" role="img" aria-label="{escape(said)}">{"".join(parts)}</svg>'
    )
