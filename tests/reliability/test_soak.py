"""The soak runs, and can fail. What it measures in half a minute is nobody's business here."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.reliability import soak
from tests.reliability.readings import Reading, Size, memory_of
from tests.reliability.soak import Run
from tests.reliability.trend import trend

TOP = Path(__file__).parents[2]
LONGEST = 240  # seconds
LEVEL = 20_000  # KiB
WAYS = ("unanswered at kills", "crossed a close, not read", "abandoned by clients", "behind a goodbye")
"""In which a command stays without an answer."""


def test_a_short_soak_holds(tmp_path: Path) -> None:
    out = tmp_path / "out"
    # in so short a time everything is still growing to its size: that much is allowed here
    words = ("--minutes", "0.3", "--interval", "0.5", "--most-growth", "1.0", "--out", str(out))
    done = subprocess.run(
        [sys.executable, "-m", "tests.reliability.soak", *words],
        cwd=TOP,
        capture_output=True,
        text=True,
        timeout=LONGEST,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    summary = json.loads((out / "summary.json").read_text())
    assert summary["faults"] == []
    assert summary["events"] == {"reload": 2, "kill": 2, "registry outage": 2, "hand-over": 1}
    assert summary["commands"] == sum(summary[part] for part in WAYS) + sum(summary["codes"].values())
    assert summary["codes"]["1000"] > 0
    with (out / "samples.csv").open() as file:
        roles = {row["role"] for row in csv.DictReader(file)}
    assert roles >= {*soak.LASTING, "worker 1"}
    assert ElementTree.parse(out / "soak.svg").getroot().tag.endswith("svg")


# -- what is measured

SHARING = """
import mmap, os, sys
held = bytearray(b"x") * (20 << 20)
if pid := os.fork():
    sys.exit(os.waitpid(pid, 0)[1])
print(os.getpid(), flush=True)
sys.stdin.readline()
for page in range(0, len(held), mmap.PAGESIZE):
    held[page] = 0
print("has pages of its own", flush=True)
sys.stdin.readline()
"""


def test_pages_that_are_no_longer_shared_are_no_growth() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SHARING], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        anonymous, pss = memory_of(pid)
        print(file=process.stdin, flush=True)
        process.stdout.readline()
        grown = [after - before for after, before in zip(memory_of(pid), (anonymous, pss), strict=True)]

    assert grown[0] < 2 * 1024
    assert grown[1] > 8 * 1024


# -- that the verdict can fail


def run_with(grows: str, by: float) -> Run:
    """Ten minutes in which one role's memory grows by so many KiB a minute, and the others' does not."""
    run = Run(10.0)
    for count in range(120):
        time = count * 5.0
        noise = (count * 7919) % 301 - 150
        for number, role in enumerate((*soak.LASTING, "worker 1")):
            size = round(LEVEL + noise + (by * time / 60 if role == grows else 0))
            born = time // 120 * 120 if role == "worker 1" else 0.0
            run.readings.append(Reading(time, role, number, born, size, size, 1, 1))
    return run


@pytest.mark.parametrize("role", [*soak.LASTING, "worker 1"])
def test_memory_that_grows_is_a_fault_whosever_it_is(role: str) -> None:
    [fault] = soak.growth(run_with(role, 200.0), 0.03)

    assert fault.startswith(f"{role} grew by ")


def test_memory_that_only_goes_up_and_down_is_none() -> None:
    assert soak.growth(run_with("nobody", 0.0), 0.03) == []


@pytest.mark.parametrize(("role", "requests"), [("registry", (20_000.0, 0.0)), ("worker 2", (0.0, 20_000.0))])
def test_what_sequoia_keeps_of_signatures_is_no_growth(role: str, requests: tuple[float, float]) -> None:
    by = 20_000 * soak.SIGNATURE  # KiB for as many requests a minute
    run = run_with(role, by)
    assert len(soak.growth(run, 0.03)) == 1
    for one in run.readings:
        count = tuple(number * one.time / 60 for number in requests)
        run.sizes.append(Size(one.time, 0, 0, 0, (count[0], count[1])))

    assert soak.growth(run, 0.03) == []
    assert len(soak.growth(run_with(role, by + 200.0), 0.03)) == 1


def test_a_trend_is_not_moved_by_single_values() -> None:
    points = [(second * 1.0, 100.0 + second / 60) for second in range(600)]
    points[::50] = [(moment, value * 3) for moment, value in points[::50]]

    found = trend(points)

    assert found.per_minute == pytest.approx(1.0, rel=0.05)
    assert found.minutes == pytest.approx(10, rel=0.01)
    assert found.rise == pytest.approx(10, rel=0.05)


def test_what_is_within_the_allowance_is_no_growth() -> None:
    found = trend([(0.0, 1000.0), (60.0, 1030.0)])

    assert found.within(0.03, 0)
    assert not found.within(0.02, 0)
    assert found.within(0.02, 30)


def test_no_trend_without_two_points_in_time() -> None:
    with pytest.raises(ValueError, match="no two points"):
        trend([(1.0, 5.0), (1.0, 6.0)])


def test_half_an_hour_has_a_reload_each_minute_and_an_outage_every_other() -> None:
    one = object.__new__(soak.Soak)
    one.run = Run(30.0)

    happens = Counter(happen.__name__ for _, happen in one.schedule())

    assert happens == {"reload": 30, "kill": 7, "happen": 15, "hand_over": 4}
