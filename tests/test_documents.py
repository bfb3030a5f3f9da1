"""What the documents say is what the code does: options, defaults, commands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from srs_epp import config

TOP = Path(__file__).parents[1]
EXAMPLE = TOP / "etc" / "eppd.conf"
MANUAL = (TOP / "man" / "eppd.8").read_text()

NAMES = [config.long_name(one.name) for one in config.options()]


def example_values() -> dict[str, str]:
    """Key to value of the example, commented out or not."""
    return dict(re.findall(r"^#?([a-z-]+) = (.*)$", EXAMPLE.read_text(), re.MULTILINE))


def written_default(name: str) -> str | None:
    [one] = [one for one in config.options() if config.long_name(one.name) == name]
    default = one.metadata["default"]
    if one.metadata["several"] and default:
        return f"[{', '.join(default)}]"
    return default or None


def test_the_example_has_every_option_once_and_no_other() -> None:
    keys = re.findall(r"^#?([a-z-]+) = ", EXAMPLE.read_text(), re.MULTILINE)

    assert sorted(keys) == sorted(NAMES)


@pytest.mark.parametrize("name", [name for name in NAMES if written_default(name)])
def test_the_example_has_the_default(name: str) -> None:
    assert example_values()[name] == written_default(name)


def test_the_example_can_be_read_with_every_comment_taken_away(tmp_path: Path) -> None:
    path = tmp_path / "eppd.conf"
    path.write_text(re.sub(r"^#([a-z-]+ = )", r"\1", EXAMPLE.read_text(), flags=re.MULTILINE))

    given, faults = config.read_options(["--config", str(path)], lambda parser: None, {})
    options = config.make_config(vars(given), faults)

    assert options.listen == (config.Address("::", 700), config.Address("0.0.0.0", 700))
    assert options.dcp
    assert options.dcp.startswith("<dcp ")


@pytest.mark.parametrize("name", NAMES)
def test_the_manual_has_every_option_with_its_default(name: str) -> None:
    start = MANUAL.find(f".It Fl Fl {name} Ar")
    assert start >= 0
    entry = MANUAL[start : MANUAL.index(".It", start + 1)]
    default = written_default(name)
    assert (f".Li {default} ." in entry) == (default is not None)


def test_the_readme_names_the_files_that_there_are() -> None:
    text = (TOP / "README.md").read_text()
    for target in re.findall(r"\]\(([^):]+)\)", text):
        assert (TOP / target).exists(), target
