"""Imports point one way, and few modules know what a socket is."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import srs_epp

ROOT = Path(srs_epp.__file__).parent
MODULES = sorted(ROOT.rglob("*.py"))

LEAVES = {
    "",
    "baton",
    "config",
    "escaping",
    "masking",
    "record",
    "tree",
}  # known to all, and know nobody; "" is the package itself, with its version
# layer: those below it
BELOW = {
    "cli": {"daemon", "sandbox"},
    "daemon": {"session", "commands", "epp", "srs"},
    "sandbox": {"daemon", "registry", "srs"},  # it starts the proxy and the registry
    "session": {"commands", "epp", "srs"},
    "commands": {"epp", "srs"},
    "registry": {"srs"},
    "epp": set(),
    "srs": set(),
    "baton": set(),
    "config": set(),
    "escaping": set(),
    "masking": set(),
    "record": set(),
    "tree": set(),
    "": set(),
}
NETWORK = {"socket", "ssl", "OpenSSL", "socketserver", "http", "select", "asyncio"}
TALKERS = {"daemon", "registry", "sandbox"}
TALKING_MODULES = {
    Path("srs/http.py"),
    Path("srs/pool.py"),
    Path("config.py"),
}  # the latter for the host's name


def layer(path: Path) -> str:
    """The part of the house that a module is in."""
    return path.relative_to(ROOT).with_suffix("").parts[0].replace("__init__", "")


def imported(path: Path) -> Iterator[str]:
    """Every module that the module imports, also inside functions."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            assert node.module is not None
            yield node.module
            if node.module == "srs_epp":
                yield from (f"srs_epp.{alias.name}" for alias in node.names if is_module(alias.name))


def is_module(name: str) -> bool:
    """Whether the package holds a module, or a package, of that name."""
    return (ROOT / name).is_dir() or (ROOT / f"{name}.py").exists()


def layers_imported(path: Path) -> set[str]:
    names = (name.split(".") for name in imported(path))
    return {[*parts, ""][1] for parts in names if parts[0] == "srs_epp"}


def test_every_layer_has_its_place() -> None:
    assert {layer(path) for path in MODULES} == set(BELOW)


def test_the_layers_are_no_circle() -> None:
    def depth(name: str) -> int:
        return 1 + max(map(depth, BELOW[name]), default=0)

    assert max(map(depth, BELOW)) == depth("cli")


@pytest.mark.parametrize("name", sorted(BELOW))
def test_a_layer_imports_only_what_is_below_it(name: str) -> None:
    allowed = {name} | BELOW[name] | LEAVES

    upwards = {
        str(path.relative_to(ROOT)): sorted(layers_imported(path) - allowed)
        for path in MODULES
        if layer(path) == name and layers_imported(path) - allowed
    }

    assert upwards == {}


def test_the_leaves_import_nothing_of_ours() -> None:
    assert [path for path in MODULES if layer(path) in LEAVES - {""} and layers_imported(path) - {""}] == []


def test_only_who_talks_to_the_network_knows_of_it() -> None:
    known = {
        path.relative_to(ROOT)
        for path in MODULES
        if layer(path) not in TALKERS and {name.split(".")[0] for name in imported(path)} & NETWORK
    }

    assert known == TALKING_MODULES


def test_nothing_is_imported_behind_our_backs() -> None:
    hidden = [
        str(path.relative_to(ROOT))
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.Call)
        and (
            (isinstance(node.func, ast.Name) and node.func.id == "__import__")
            or (isinstance(node.func, ast.Attribute) and node.func.attr == "import_module")
        )
    ]

    assert hidden == []
