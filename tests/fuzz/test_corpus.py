"""Every input that was ever worth keeping, again; and seconds of new ones, where atheris is installed."""

from __future__ import annotations

import importlib
import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz import TARGETS

CORPUS = Path(__file__).parent / "corpus"
ROOT = Path(__file__).parents[2]
SECONDS = 5  # of fuzzing, for each target
MOST_FILES, MOST_OCTETS = 300, 1_000_000  # of a target's corpus


@pytest.mark.parametrize("name", TARGETS)
def test_the_corpus_breaks_nothing(name: str) -> None:
    target = importlib.import_module(f"tests.fuzz.fuzz_{name}")
    inputs = {path.name: path.read_bytes() for path in sorted((CORPUS / name).iterdir())}
    inputs |= {f"seed {number}": seed for number, seed in enumerate(target.seeds())}

    for title, octets in inputs.items():
        try:
            target.check(octets)
        except Exception as error:
            error.add_note(f"corpus of {name}, {title}: {octets!r}")
            raise


@pytest.mark.parametrize("name", TARGETS)
def test_the_corpus_is_small(name: str) -> None:
    sizes = [path.stat().st_size for path in (CORPUS / name).iterdir()]

    assert 0 < len(sizes) <= MOST_FILES
    assert sum(sizes) <= MOST_OCTETS


@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="atheris is not installed")
@pytest.mark.parametrize("name", TARGETS)
def test_some_seconds_of_fuzzing_find_nothing(name: str, tmp_path: Path) -> None:
    found = tmp_path / "found"
    found.mkdir()
    options = [f"-max_total_time={SECONDS}", f"-artifact_prefix={tmp_path}/", "-print_final_stats=1"]

    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz", name, *options, str(found), str(CORPUS / name)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=120,
    )

    assert done.returncode == 0, done.stderr[-4000:]
    [executed] = [
        line for line in done.stderr.splitlines() if line.startswith("stat::number_of_executed_units:")
    ]
    assert int(executed.split()[1]) > 100
