"""The lines as a table of text, or of Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bench.rows import Line
from bench.samples import Spread

HEADS = ("figure", "what", "unit", "min / median / max", "beside", "min / median / max", "ratio", "goal", "")


def number(value: float) -> str:
    """Three digits that say something.

    >>> number(0.1234), number(12.34), number(1234.5)
    ('0.123', '12.3', '1,234')
    """
    if value >= 99.95:
        return f"{value:,.0f}"
    if value >= 9.995:
        return f"{value:.1f}"
    return f"{value:.2f}" if value >= 0.995 else f"{value:.3f}"


def _spread(spread: Spread | None) -> str:
    if spread is None:
        return ""
    return " / ".join(map(number, (spread.least, spread.middle, spread.most)))


def cells(line: Line) -> tuple[str, ...]:
    """The line in the columns of HEADS."""
    row = line.row
    verdict = {None: "", True: "met", False: "missed"}[line.met]
    return (
        line.figure,
        row.text,
        row.unit,
        _spread(line.value),
        row.base_text if line.base else "",
        _spread(line.base),
        number(line.ratio.middle) if line.ratio else "",
        str(row.goal or ""),
        verdict,
    )


def text(lines: Iterable[Line]) -> str:
    """One table, its columns below each other."""
    found = [HEADS, *map(cells, lines)]
    widths = [max(map(len, column)) for column in zip(*found, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in found
    )


def markdown(lines: Sequence[Line]) -> str:
    """A table without the column of the figure; columns in which nothing stands are left out."""
    rows = [cells(line)[1:] for line in lines]
    heads = HEADS[1:]
    used = [at for at in range(len(heads)) if any(row[at] for row in rows)]
    found = [[heads[at] for at in used], ["---"] * len(used)]
    found += [[row[at] for at in used] for row in rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in found)
