"""Nothing is lost, and nothing is done twice, while the registry fails at random: see docs/reliability.md."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.end_to_end.fault_proxy import QUESTION, WRITE
from tests.reliability.faults import NO_FAULT
from tests.reliability.records import Run
from tests.reliability.run import run
from tests.reliability.table import COLUMNS, markdown, outcome
from tests.reliability.verdict import CODES, every, violations

SEED = 2026
COMMANDS = 1200


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """All of it happens here, once."""
    folder: Path = tmp_path_factory.mktemp("reliability")
    found = run(folder, seed=SEED, commands=COMMANDS)
    print(markdown(found))
    return found


def test_what_clients_were_told_the_audit_log_and_the_registry_agree(records: Run) -> None:
    assert violations(records) == []


def test_enough_has_happened(records: Run) -> None:
    """What is promised was put to the test: every kind of command, of outcome, and of request harmed."""
    sent = [sent for _, sent in every(records.conversations)]
    harmed = [passage for passage in records.passages if passage.fault != NO_FAULT]

    assert len(sent) >= COMMANDS
    assert {one.order.kind for one in sent} == set(CODES)
    assert {outcome(one.told) for one in sent} >= set(COLUMNS) - {"2400, other"}
    assert sum(passage.kind == WRITE for passage in harmed) > COMMANDS / 30
    assert sum(passage.kind == QUESTION for passage in harmed) > COMMANDS / 30
    assert len({passage.fault for passage in harmed}) > 25
