"""The bench runs, and says what it says. Its numbers are nobody's business here."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree

import pytest

from bench import proc, report, table
from bench.child import BenchFailed
from bench.figures import FIGURES
from bench.rows import Goal, Row, lines
from bench.samples import FLOOR, Ref, Sample, Samples, percentile

TOP = Path(__file__).parents[2]
LONGEST = 120  # seconds


def bench(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bench", *words],
        cwd=TOP,
        capture_output=True,
        text=True,
        timeout=LONGEST,
        check=False,
    )


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a short run of everything."""
    folder = tmp_path_factory.mktemp("bench")
    document = folder / "performance.md"
    document.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")
    done = bench("--short", "--out", str(folder / "out"), "--report", str(document))
    assert done.returncode == 0, done.stderr
    (folder / "table").write_text(done.stdout)
    return folder


def test_every_row_of_every_figure_has_numbers(out: Path) -> None:
    raw = json.loads((out / "out" / "runs.json").read_text())
    samples = Samples.from_json(raw["samples"])

    assert samples.figures() == {figure.name for figure in FIGURES}
    printed = (out / "table").read_text()
    for heading in table.HEADS:
        assert heading in printed
    assert all(value >= 0 for one in raw["samples"] for value in one["values"].values())


def test_every_figure_has_its_picture(out: Path) -> None:
    for figure in FIGURES:
        root = ElementTree.parse(out / "out" / f"{figure.name}.svg").getroot()
        assert root.tag.endswith("svg")


def test_the_report_replaces_what_is_between_its_marks(out: Path) -> None:
    text = (out / "performance.md").read_text()

    assert text.startswith(f"before\n{report.BEGIN}\n")
    assert text.endswith(f"{report.END}\nafter\n")
    assert "old" not in text
    assert "### Goals" in text
    assert "](out/cost.svg)" in text


def test_runs_can_be_shown_again_without_measuring(out: Path) -> None:
    done = bench("--replay", str(out / "out" / "runs.json"))

    assert done.stdout == (out / "table").read_text()


def test_a_report_without_marks_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.md"
    path.write_text("words")

    with pytest.raises(BenchFailed, match="marks"):
        report.replace(path, "results")

    assert path.read_text() == "words"


def test_a_bench_that_is_told_to_end_leaves_no_process(tmp_path: Path) -> None:
    said = tmp_path / "stderr"
    with said.open("wb") as errors:
        running = subprocess.Popen(
            [sys.executable, "-m", "bench", "--only", "cost"],
            cwd=TOP,
            stdout=subprocess.DEVNULL,
            stderr=errors,
        )
    try:
        deadline = time.monotonic() + LONGEST
        while "cost 1/" not in said.read_text() and running.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        started = proc.family(running.pid)
        running.terminate()
        assert running.wait(LONGEST) == 1
    finally:
        running.kill()
        running.wait()

    assert len(started) > 5, said.read_text()  # itself, stub, floor, generator, master, worker
    assert [pid for pid in started if Path(f"/proc/{pid}").exists()] == []


def test_the_document_has_the_marks() -> None:
    text = (TOP / "docs" / "performance.md").read_text()

    assert text.count(report.BEGIN) == text.count(report.END) == 1


def test_ratios_are_of_values_of_the_same_run() -> None:
    samples = Samples(
        Sample("figure", "point", subject, run, {"cpu": cpu})
        for run, (ours, theirs) in enumerate([(10.0, 5.0), (30.0, 10.0), (80.0, 20.0)])
        for subject, cpu in (("eppd", ours), (FLOOR, theirs))
    )
    row = Row("words", "µs", Ref("point", "cpu"), (Ref("point", "cpu", FLOOR),), "floor", Goal(3))

    [line] = lines("figure", [row], samples)

    assert line.value.middle == 30
    assert line.ratio is not None
    assert (line.ratio.least, line.ratio.middle, line.ratio.most) == (2, 3, 4)
    assert line.met


def test_of_several_bases_the_greatest_counts() -> None:
    samples = Samples(
        Sample("figure", point, "eppd", 0, {"rate": rate}) for point, rate in (("a", 9), ("b", 5), ("c", 10))
    )
    row = Row("words", "", Ref("a", "rate"), (Ref("b", "rate"), Ref("c", "rate")), goal=Goal(0.95, True))

    [line] = lines("figure", [row], samples)

    assert line.ratio is not None
    assert line.ratio.middle == 0.9
    assert line.met is False


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.0, "0.000"),
        (0.1234, "0.123"),
        (0.9999, "1.00"),
        (9.999, "10.0"),
        (12.34, "12.3"),
        (1234.5, "1,234"),
    ],
)
def test_numbers_have_three_digits(value: float, written: str) -> None:
    assert table.number(value) == written


@pytest.mark.parametrize(("share", "expected"), [(0.5, 50), (0.95, 95), (0.99, 99), (1.0, 100)])
def test_percentiles(share: float, expected: int) -> None:
    assert percentile(range(1, 101), share) == expected
