"""docs/conformance.md and docs/security.md name tests that there are."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

TOP = Path(__file__).parents[1]
CONFORMANCE = (TOP / "docs" / "conformance.md").read_text()
SECURITY = (TOP / "docs" / "security.md").read_text()
NAMED = sorted(set(re.findall(r"`([a-z0-9_/]+\.py)::([a-z0-9_]+)`", CONFORMANCE + SECURITY)))
REQUIREMENTS = [line for line in CONFORMANCE.splitlines() if re.match(r"\| [0-9]", line)]
ATTEMPTS = [line for line in SECURITY.splitlines() if re.match(r"\| (?!what it )", line)]


@cache
def names_in(path: str) -> frozenset[str]:
    """The tests of a file."""
    tree = ast.parse((TOP / "tests" / path).read_text())
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


@pytest.mark.parametrize(("path", "name"), NAMED)
def test_a_test_that_is_named_exists(path: str, name: str) -> None:
    assert name.startswith("test_")
    assert name in names_in(path)


@pytest.mark.parametrize("row", REQUIREMENTS, ids=range(len(REQUIREMENTS)))
def test_every_requirement_names_a_test(row: str) -> None:
    _, section, asked, does, named, _ = row.split("|")

    assert section.strip()
    assert asked.strip()
    assert does.strip()
    assert "::" in named


def test_there_are_requirements_of_every_rfc() -> None:
    parts = re.split(r"^## RFC ", CONFORMANCE, flags=re.MULTILINE)[1:]

    assert [part[:4] for part in parts] == ["5730", "5731", "5733", "5734", "5910", "3915"]
    assert all(re.search(r"^\| [0-9]", part, re.MULTILINE) for part in parts)


@pytest.mark.parametrize("row", ATTEMPTS, ids=range(len(ATTEMPTS)))
def test_every_attempt_names_a_test_or_is_said_not_to_be_defended(row: str) -> None:
    _, tries, happens, named, _ = row.split("|")

    assert tries.strip()
    assert happens.strip()
    assert "::" in named or (not named.strip() and happens.strip().startswith("**not defended**"))


def test_there_are_attempts_from_every_place() -> None:
    places = re.split(r"^## ", SECURITY, flags=re.MULTILINE)[2:]

    assert len(places) == 9
    assert all(any(row in place for row in ATTEMPTS) for place in places)
