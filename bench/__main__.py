"""``python3 -m bench``: measure, print one table, draw a picture of each figure, keep the raw runs."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import machine, plot, report, table
from bench.child import BenchFailed
from bench.figures import FIGURES, Figure
from bench.rows import Line, lines
from bench.samples import Sample, Samples
from bench.scale import FULL, SHORT, Scale
from bench.stage import Stage

RAW = "runs.json"


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code: 0 measured, 1 it could not be."""
    options = _parser().parse_args(argv)
    # whoever ends us ends what we have started
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        raw = json.loads(options.replay.read_text()) if options.replay else _measure(options)
        _show(raw, options)
    except BenchFailed as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("bench: interrupted", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    names = [figure.name for figure in FIGURES]
    parser = argparse.ArgumentParser(
        prog="python3 -m bench", description="Measure eppd beside the floor: see docs/performance.md."
    )
    parser.add_argument("--short", action="store_true", help="once, and too short for the numbers to count")
    parser.add_argument("--only", choices=names, action="append", metavar="FIGURE", help=", ".join(names))
    parser.add_argument("--runs", type=int, help="how many runs of each figure")
    parser.add_argument("--generators", type=int, default=1, help="processes that make the load (default: 1)")
    parser.add_argument("--out", type=Path, metavar="DIR", help=f"folder for pictures and {RAW}")
    parser.add_argument("--report", type=Path, metavar="FILE", help="put the results into this document")
    parser.add_argument("--replay", type=Path, metavar="JSON", help="show those runs again; measure nothing")
    return parser


def _measure(options: argparse.Namespace) -> dict[str, Any]:
    scale = SHORT if options.short else FULL
    if options.runs:
        scale = scale.with_runs(options.runs)
    began = time.monotonic()
    samples = Samples()
    with Stage(options.generators) as stage:
        for figure in _figures(scale, options.only):
            for run in range(scale.runs):
                print(f"{figure.name} {run + 1}/{scale.runs}", file=sys.stderr, flush=True)
                for point, subject, values in figure.measure(stage):
                    samples.add(Sample(figure.name, point, subject, run, values))
    return {
        "day": datetime.now(UTC).date().isoformat(),
        "scale": scale.name,
        "runs": scale.runs,
        "seconds": round(time.monotonic() - began),
        "machine": machine.describe(),
        "samples": samples.as_json(),
    }


def _figures(scale: Scale, only: Sequence[str] | None) -> list[Figure]:
    return [figure(scale) for figure in FIGURES if not only or figure.name in only]


def _show(raw: dict[str, Any], options: argparse.Namespace) -> None:
    scale = SHORT if raw["scale"] == SHORT.name else FULL
    samples = Samples.from_json(raw["samples"])
    found: list[tuple[Figure, list[Line]]] = [
        (figure, list(lines(figure.name, figure.rows(), samples)))
        for figure in _figures(scale, options.only)
        if figure.name in samples.figures()
    ]
    print(table.text([line for _, its_lines in found for line in its_lines]))
    quiet = machine.quiet(samples)
    print("", *quiet, sep="\n")
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / RAW).write_text(json.dumps(raw, indent=1) + "\n")
        for figure, its_lines in found:
            picture = plot.picture(figure.title, its_lines)
            (options.out / f"{figure.name}.svg").write_text(picture, "utf-8")
    if options.report:
        pictures = report.beside(options.report, options.out) if options.out else None
        when = f"Measured on {raw['day']}, in {raw['seconds'] / 60:.0f} minutes; {raw['runs']} run(s)."
        report.replace(options.report, report.results(raw["machine"], [when, *quiet], found, pictures))


if __name__ == "__main__":
    sys.exit(main())
