"""``python3 -m tests.reliability``: a long run, its counts, and whatever did not fit."""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from pathlib import Path

from tests.reliability.run import run
from tests.reliability.table import markdown
from tests.reliability.verdict import violations


def main() -> int:
    """The exit code: 0 all fits, 1 something does not."""
    parser = argparse.ArgumentParser(
        prog="python3 -m tests.reliability",
        description="Random commands through a registry that fails at random: see docs/reliability.md.",
    )
    parser.add_argument("--seed", type=int, default=1, help="of commands and faults (default: 1)")
    parser.add_argument("--commands", type=int, default=3000, help="how many (default: 3000)")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="folder for logs, audit log and database")
    options = parser.parse_args()
    # whoever ends us ends what we have started
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="eppd-reliability-") as folder:
        records = run(options.keep or Path(folder), seed=options.seed, commands=options.commands)
    found = violations(records)
    print(f"Seed {options.seed}, {time.monotonic() - began:.0f} s.\n\n{markdown(records)}\n")
    print(f"{len(found)} violations")
    for line in found:
        print(f"- {line}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
