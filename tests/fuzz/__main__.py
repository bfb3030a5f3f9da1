"""Fuzz one target with atheris: ``python3 -m tests.fuzz TARGET [LIBFUZZER-OPTION | FOLDER | FILE]...``.

libFuzzer writes what it finds into the first folder, and only reads the others. Without a folder it begins
with the target's seeds, and keeps nothing but what breaks it.
"""

from __future__ import annotations

import importlib
import logging
import sys
import tempfile
from pathlib import Path

import atheris

from tests.fuzz import TARGETS


def main() -> None:
    """Runs until libFuzzer ends the process."""
    if len(sys.argv) < 2 or sys.argv[1] not in TARGETS:
        sys.exit(
            f"usage: python3 -m tests.fuzz {{{','.join(TARGETS)}}} [LIBFUZZER-OPTION | FOLDER | FILE]..."
        )
    name, given = sys.argv[1], sys.argv[2:]
    logging.disable()
    with atheris.instrument_imports(include=["srs_epp"]):
        target = importlib.import_module(f"tests.fuzz.fuzz_{name}")
    with tempfile.TemporaryDirectory() as scratch:
        for number, seed in enumerate(target.seeds()):
            Path(scratch, f"seed-{number:03}").write_bytes(seed)
        # a file alone is run once, as libFuzzer has it
        seeds = [] if any(Path(word).is_file() for word in given) else [scratch]
        found = [] if any(Path(word).is_dir() for word in given) else [tempfile.mkdtemp(dir=scratch)]
        mutator = getattr(target, "mutator", None)
        more = {"custom_mutator": mutator()} if mutator else {}
        # to merge, libFuzzer starts this by a shell once more
        again = f"{sys.executable} -m tests.fuzz {name}"
        atheris.Setup([again, *given, *found, *seeds], target.check, **more)
        atheris.Fuzz()


main()
