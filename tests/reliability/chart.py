"""Series over time as a picture (SVG): panels one below the other, on the same time axis."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

from tests.reliability.trend import Point

_WIDTH, _LEFT, _RIGHT = 960, 80, 150  # pixels
_PANEL, _GAP, _HEAD = 150, 34, 56
_COLOURS = ("#1f6fb4", "#c0392b", "#27803b", "#8a5bb0", "#b8860b", "#555555")
_TEXT, _GRID = "#222222", "#dddddd"


@dataclass(frozen=True, slots=True)
class Panel:
    """Lines with the same unit; each is a list of pieces, between which nothing is drawn."""

    title: str
    lines: Mapping[str, Sequence[Sequence[Point]]]
    from_nought: bool = True


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened, as a vertical line."""

    moment: float
    kind: str


@dataclass(frozen=True, slots=True)
class Chart:
    title: str
    minutes: float
    panels: Sequence[Panel]
    marks: Sequence[Mark] = field(default_factory=tuple)

    def svg(self) -> str:
        height = _HEAD + len(self.panels) * (_PANEL + _GAP) + 10
        kinds = list(dict.fromkeys(mark.kind for mark in self.marks))
        body = [_words(10, 20, self.title, weight="bold")]
        for index, kind in enumerate(kinds):
            x = 10 + 150 * index
            body += [_stroke(x, 28, x, 40, _COLOURS[index], 1), _words(x + 6, 38, kind, size=10)]
        for index, panel in enumerate(self.panels):
            body += self._panel(panel, _HEAD + index * (_PANEL + _GAP), kinds)
        lines = "\n".join(body)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" '
            f'viewBox="0 0 {_WIDTH} {height}" font-family="sans-serif">\n'
            f'<rect width="100%" height="100%" fill="white"/>\n{lines}\n</svg>\n'
        )

    def _panel(self, panel: Panel, top: int, kinds: Sequence[str]) -> Iterator[str]:
        values = [value for pieces in panel.lines.values() for piece in pieces for _, value in piece]
        most, least = max(values, default=1.0), 0.0 if panel.from_nought else min(values, default=0.0)
        step = _step((most - least) or 1.0)
        low, high = math.floor(least / step) * step, (math.floor(most / step) + 1) * step
        bottom, span = top + _PANEL, _WIDTH - _LEFT - _RIGHT

        def across(seconds: float) -> float:
            return _LEFT + span * seconds / (self.minutes * 60)

        def up(value: float) -> float:
            return bottom - (bottom - top - 16) * (value - low) / (high - low)

        yield _words(_LEFT, top + 8, panel.title, weight="bold")
        for count in range(round((high - low) / step) + 1):
            value = low + count * step
            yield _stroke(_LEFT, up(value), _LEFT + span, up(value), _GRID, 1)
            yield _words(_LEFT - 6, up(value) + 3, f"{value:,.10g}", anchor="end", size=10)
        for count in range(7):
            at = self.minutes * count / 6
            yield _words(across(at * 60), bottom + 13, f"{at:.3g} min", anchor="middle", size=10)
        for mark in self.marks:
            x = across(mark.moment)
            yield _stroke(x, bottom - 8, x, bottom, _COLOURS[kinds.index(mark.kind)], 1)
        for index, (name, pieces) in enumerate(panel.lines.items()):
            colour = _COLOURS[index % len(_COLOURS)]
            yield _words(_LEFT + span + 24, top + 24 + 16 * index, name, size=11)
            yield _stroke(
                _LEFT + span + 6, top + 20 + 16 * index, _LEFT + span + 20, top + 20 + 16 * index, colour, 2
            )
            for piece in pieces:
                if piece:
                    path = "L".join(f"{across(moment):.1f} {up(value):.1f}" for moment, value in piece)
                    yield f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="1.3"/>'


def _step(span: float) -> float:
    """A round number that goes two to five times into ``span``."""
    power = 10.0 ** math.floor(math.log10(span))
    return next(power * part for part in (0.5, 0.25, 0.2) if span / (power * part) >= 2)


def _stroke(x: float, y: float, to_x: float, to_y: float, colour: str, width: float) -> str:
    return f'<path d="M{x:.1f} {y:.1f}L{to_x:.1f} {to_y:.1f}" stroke="{colour}" stroke-width="{width}"/>'


def _words(
    x: float, y: float, text: str, *, anchor: str = "start", weight: str = "normal", size: int = 12
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}" font-size="{size}" '
        f'fill="{_TEXT}">{escape(text)}</text>'
    )
