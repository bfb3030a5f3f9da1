"""What the documents say is what the code does: options, defaults, commands."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from srs_epp import cli, config
from srs_epp.commands.overseer import Refusal
from srs_epp.daemon import records, tls

TOP = Path(__file__).parents[1]
EXAMPLE = TOP / "etc" / "eppd.conf"
COMMANDS_PAGE, FILE_PAGE = TOP / "man" / "eppd.8", TOP / "man" / "eppd.conf.5"
PAGES = [COMMANDS_PAGE, FILE_PAGE]
# how the entry of an option begins in each
ENTRIES = {COMMANDS_PAGE: ".It Fl Fl {} Ar ", FILE_PAGE: ".It Cm {} No = Ar "}
OPERATING = TOP / "docs" / "operating.md"

NAMES = [config.long_name(one.name) for one in config.options()]


def example_values() -> dict[str, str]:
    """Key to value of the example, commented out or not."""
    return dict(re.findall(r"^#?([a-z-]+) = (.*)$", EXAMPLE.read_text(), re.MULTILINE))


def option_of(name: str) -> dict[str, Any]:
    [one] = [one for one in config.options() if config.long_name(one.name) == name]
    return dict(one.metadata)


def written_default(name: str) -> str | None:
    option = option_of(name)
    default = option["default"]
    if option["several"] and isinstance(default, tuple):
        return f"[{', '.join(default)}]" if default else None
    return str(default) if default else None


def entry_of(name: str, page: Path) -> str:
    """What the page says of the option."""
    text = page.read_text()
    start = text.find(ENTRIES[page].format(name))
    assert start >= 0, f"{page.name} has no {name}"
    return re.split(r"^\.(?:It|El)\b", text[start + 3 :], maxsplit=1, flags=re.MULTILINE)[0]


def groups(text: str, heading: str, option: str) -> dict[str, list[str]]:
    """Heading to the options under it, in their order; both are regular expressions with a group."""
    found: dict[str, list[str]] = {}
    names: list[str] = []
    for line in text.splitlines():
        if match := re.fullmatch(heading, line):
            names = found.setdefault(match[1], [])
        elif (match := re.match(option, line)) and match[1] in NAMES:
            names.append(match[1])
    return {title: names for title, names in found.items() if names}


# -- the example of a configuration file


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


def test_the_example_and_the_manual_group_options_alike() -> None:
    example = groups(EXAMPLE.read_text(), r"## (.+)", r"#?([a-z-]+) = ")
    manual = groups(FILE_PAGE.read_text(), r"\.Ss (.+)", r"\.It Cm ([a-z-]+) No =")

    assert list(example.items()) == list(manual.items())


# -- the manual pages


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
@pytest.mark.parametrize("name", NAMES)
def test_the_manuals_have_every_option_with_its_default(name: str, page: Path) -> None:
    default = written_default(name)
    defaults = re.findall(r"Default:\n\.Li (.+) \.$", entry_of(name, page), re.MULTILINE)

    assert defaults == ([] if default is None else [default])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
@pytest.mark.parametrize("name", NAMES)
def test_the_manuals_say_what_is_required_and_what_is_a_list(name: str, page: Path) -> None:
    entry = entry_of(name, page)

    required = bool(option_of(name)["required"]) or name == "pgp-registry-certificate"
    assert bool(re.search(r"^Required", entry, re.MULTILINE)) == required
    lists = "May be repeated." if page == COMMANDS_PAGE else "\nList: "
    assert (lists in entry) == option_of(name)["several"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_manuals_have_no_option_that_there_is_not(page: Path) -> None:
    begin, end = ENTRIES[page].split("{}")
    options = page.read_text().partition("\n.Sh OPTIONS")[2].partition("\n.Sh ")[0]
    found = re.findall(re.escape(begin) + r"([a-z-]+)" + re.escape(end), options)

    assert sorted(found) == sorted([*NAMES, *(["config"] if page == COMMANDS_PAGE else [])])


@pytest.mark.parametrize(
    ("page", "sections"),
    [
        (
            COMMANDS_PAGE,
            """NAME SYNOPSIS DESCRIPTION OPTIONS SANDBOX SIGNALS ENVIRONMENT FILES EXIT_STATUS EXAMPLES
            DIAGNOSTICS SECURITY SEE_ALSO STANDARDS""",
        ),
        (FILE_PAGE, "NAME SYNOPSIS DESCRIPTION OPTIONS FILES EXAMPLES SECURITY SEE_ALSO"),
    ],
    ids=lambda one: one.name if isinstance(one, Path) else "",
)
def test_the_manuals_have_their_sections(page: Path, sections: str) -> None:
    found = re.findall(r"^\.Sh (.+)$", page.read_text(), re.MULTILINE)

    assert found == [one.replace("_", " ") for one in sections.split()]


@pytest.mark.parametrize("command", sorted(cli._COMMANDS))
def test_the_manual_explains_every_command(command: str) -> None:
    text = COMMANDS_PAGE.read_text()
    synopsis = text.partition(".Sh SYNOPSIS")[2].partition(".Sh ")[0]

    assert re.search(rf"(?:Cm|\|) {command}\b", synopsis)
    assert f"\n.It Cm {command}\n" in text


@pytest.mark.parametrize("name", sorted(cli._OWN_OPTIONS))
def test_the_manual_explains_what_is_for_one_command_alone(name: str) -> None:
    wanted = "Ar WHOM" if name == "subject" else f"Fl Fl {config.long_name(name)}"

    assert len(re.findall(rf"{wanted}\b", COMMANDS_PAGE.read_text())) >= 2  # in the synopsis, and below


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_mandoc_has_nothing_against_the_manual(page: Path) -> None:
    if not (mandoc := shutil.which("mandoc")):
        pytest.skip("mandoc is not installed")
    done = subprocess.run([mandoc, "-T", "lint", "-W", "warning", page], capture_output=True, text=True)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_man_has_nothing_against_the_manual(page: Path) -> None:
    man = shutil.which("man")
    if not man or not shutil.which("groff"):
        pytest.skip("man or groff is not installed")
    # as Debian's lintian does it
    done = subprocess.run(
        [man, "--warnings", "-E", "UTF-8", "-l", page],
        capture_output=True,
        text=True,
        env=os.environ | {"LC_ALL": "C.UTF-8", "MANROFFSEQ": "", "MANWIDTH": "80"},
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout


@pytest.mark.parametrize("example", range(4))
def test_the_examples_of_the_manual_can_be_read(example: int, tmp_path: Path) -> None:
    section = FILE_PAGE.read_text().partition(".Sh EXAMPLES")[2].partition(".Sh ")[0]
    texts = re.findall(r"^\.Bd .*\n((?:.*\n)+?)\.Ed$", section, re.MULTILINE)
    assert len(texts) == 4
    path = tmp_path / "eppd.conf"
    # the first is complete, the others go with it
    path.write_text(texts[0] if example == 0 else texts[0] + texts[example])

    given, faults = config.read_options(["--config", str(path)], lambda parser: None, {})

    assert config.make_config(vars(given), faults)


# -- the guide


def test_the_guide_has_every_reason_of_a_refusal() -> None:
    text = OPERATING.read_text()
    code = "".join(path.read_text() for path in sorted((TOP / "srs_epp" / "daemon").glob("*.py")))
    reasons = set(re.findall(r'refused\((?:self\._)?about, "([a-z-]+)"|Full\("([a-z-]+)"', code))
    known = {one or other for one, other in reasons} | set(records._LOGIN_REASONS.values())
    known |= {tls.CERTIFICATE, tls.TLS, tls.TIMEOUT}

    listed = re.findall(r"^\| `([a-z-]+)` \|", section(text, "Refusals"), re.MULTILINE)
    assert sorted(listed) == sorted(known)
    # what `eppd refusals` prints of each
    for why in Refusal:
        assert why.value in text, why


def test_the_guide_sets_options_that_there_are() -> None:
    blocks = re.findall(r"^```ini\n(.*?)^```", OPERATING.read_text(), re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks if "[Service]" not in block for line in block.splitlines()]

    assert lines
    for line in lines:
        name, _, value = line.partition(" = ")
        assert name in NAMES
        option_of(name)["parse"](value)


def section(text: str, title: str) -> str:
    """What stands under a heading of Markdown, as far as the next one."""
    return text.partition(f"# {title}\n")[2].partition("\n#")[0]


@pytest.mark.parametrize(
    "document",
    ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "docs/operating.md", "docs/security.md"],
)
def test_the_documents_link_to_files_that_there_are(document: str) -> None:
    path = TOP / document
    for target in re.findall(r"\]\(([^):#]+)(?:#[^)]*)?\)", path.read_text()):
        assert (path.parent / target).exists(), target


def test_the_guide_links_to_its_own_sections() -> None:
    text = OPERATING.read_text()
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}

    for target in re.findall(r"\]\(#([^)]+)\)", text):
        assert target in anchors, target
