"""Input of no one's design: harnesses for a coverage-guided fuzzer, their corpus, and machines of hypothesis.

``python3 -m tests.fuzz reader -max_total_time=60 /tmp/found tests/fuzz/corpus/reader`` fuzzes one target;
docs/fuzzing.md tells the rest.
"""

from __future__ import annotations

TARGETS = ("reader", "results", "answers", "form", "proxy", "config")
