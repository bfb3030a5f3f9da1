"""The part of docs/performance.md that a bench writes itself: between two marks, and nothing else."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.child import BenchFailed
from bench.figures import Figure
from bench.rows import Line
from bench.table import markdown

BEGIN, END = "<!-- results: begin -->", "<!-- results: end -->"


def replace(path: Path, results: str) -> None:
    """Put the results between the marks of the file. BenchFailed where it has none."""
    before, begin, rest = path.read_text("utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise BenchFailed(f"{path}: the marks {BEGIN} and {END} are not in it")
    path.write_text(f"{before}{BEGIN}\n\n{results}\n\n{END}{after}", "utf-8")


def results(
    machine: Mapping[str, str],
    sentences: Sequence[str],
    found: Sequence[tuple[Figure, Sequence[Line]]],
    pictures: Path | None,
) -> str:
    """The results in Markdown; ``pictures``: the folder of the figures' pictures, relative to the report."""
    goals = [line for _, lines in found for line in lines if line.row.goal is not None]
    met = sum(line.met is True for line in goals)
    parts = [
        " ".join(sentences),
        "| | |\n|---|---|\n" + "\n".join(f"| {name} | {value} |" for name, value in machine.items()),
        f"### Goals\n\n{met} of {len(goals)} are met.\n\n{markdown(goals)}",
    ]
    for figure, lines in found:
        parts.append(f"### {figure.title}\n\n{markdown(lines)}")
        if pictures is not None:
            parts.append(f"![{figure.title}]({pictures / figure.name}.svg)")
    return "\n\n".join(parts)


def beside(report: Path, pictures: Path) -> Path | None:
    """The pictures' folder as seen from the report; None where they do not travel together."""
    relative = Path(os.path.relpath(pictures.resolve(), report.resolve().parent))
    return None if relative.parts[:1] == ("..",) else relative
