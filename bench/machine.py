"""On what the numbers were measured."""

from __future__ import annotations

import platform
import re
from importlib.metadata import version
from pathlib import Path

from OpenSSL import SSL

from bench.samples import Samples, Spread
from bench.stage import processors
from srs_epp import __version__

_PACKAGES = ("lxml", "pyOpenSSL", "cryptography", "pysequoia")
_BUSY = 0.9  # of a processor, from which a generator has no time to spare


def describe() -> dict[str, str]:
    """Processor, kernel, Python, libraries; nothing that names the machine."""
    return {
        "eppd": __version__,
        "processor": f"{_processor()}, {processors()} cores",
        "memory": f"{_memory_gib():.0f} GiB",
        "kernel": f"{platform.system()} {platform.release().split('-')[0]}",
        "Python": platform.python_version(),
        "OpenSSL": SSL.SSLeay_version(SSL.SSLEAY_VERSION).decode().split()[1],
        **{name: version(name) for name in _PACKAGES},
    }


def _processor() -> str:
    found = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found[1] if found else platform.machine()


def _memory_gib() -> float:
    found = re.search(r"^MemTotal:\s*(\d+) kB$", Path("/proc/meminfo").read_text(), re.MULTILINE)
    return int(found[1]) / 1024 / 1024 if found else 0.0


def quiet(samples: Samples) -> list[str]:
    """Sentences on how far the machine was the bench's own, and whose limits the rates may be."""
    found = []
    if others := samples.all("others"):
        spread = Spread.of(others)
        found.append(
            f"Other processes kept {spread.middle:.2f} processors busy in the median run,"
            f" {spread.most:.2f} at most."
        )
    if busy := [share for share in samples.all("generator") if share > _BUSY]:
        found.append(
            f"In {len(busy)} of {len(samples.all('generator'))} runs a generator was busy all the time: those"
            " rates may be its own."
        )
    return found
