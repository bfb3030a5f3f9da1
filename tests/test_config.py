"""The options: their forms, where they may stand, which place wins, and how faults are said."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from srs_epp import config
from srs_epp.config import Address, Config, ConfigError, Rate, make_config, read_options

REQUIRED = {
    "tls-certificate": "/etc/eppd/certificate.pem",
    "tls-private-key": "/etc/eppd/key.pem",
    "backend": "https://registry.example.nz/srs/registrar",
    "pgp-signing-key": "/etc/eppd/signing.asc",
    "pgp-registry-certificate": "/etc/eppd/registry.asc",
}
"""What has no default, in a form without faults."""


class Places:
    """Reads options from a command line, an environment and a file."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "eppd.conf"

    def read(
        self,
        argv: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        file: str | None = None,
        required: Mapping[str, str] = REQUIRED,
    ) -> Config:
        """The Config; what is required stands in the file, before ``file``."""
        self.file.write_text("".join(f"{k} = {v}\n" for k, v in required.items()) + (file or ""))
        return self._make(["--config", str(self.file), *argv], environment or {})

    def faults(self, *arguments: Any, **options: Any) -> list[str]:
        """What is wrong, without the file's name."""
        with pytest.raises(ConfigError) as caught:
            self.read(*arguments, **options)
        return [fault.replace(str(self.file), "FILE") for fault in caught.value.faults]

    def _make(self, argv: Sequence[str], environment: Mapping[str, str]) -> Config:
        texts, faults = read_options(argv, prepare=lambda parser: None, environment=environment)
        return make_config(vars(texts), faults)


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path)


# --- defaults

DEFAULTS: dict[str, Any] = {
    # as the manual's table has them
    "listen": (Address("::", 700), Address("0.0.0.0", 700)),
    "tls_client_ca": None,
    "require_client_certificate": False,
    "tls_minimum": "TLSv1.2",
    "handshake_timeout": 10,
    "login_timeout": 30,
    "idle_timeout": 300,
    "frame_timeout": 30,
    "session_timeout": 0,
    "max_frame": 1024 * 1024,
    "max_queue": 100,
    "max_output": 1024 * 1024,
    "backend_ca": None,
    "backend_timeout": 30,
    "backend_connections": 32,
    "backend_batch": 10,
    "backend_max_response": 8 * 1024 * 1024,
    "recovery_timeout": 10,
    "registry_timeout": 120,
    "pgp_passphrase_file": None,
    "backend_unsigned": False,
    "service": (),
    "extension": (),
    "dcp": None,
    "default_period": 1,
    "grace_period": 5 * 86400,
    "restore_on_update": False,
    "max_connections": 1000,
    "max_connections_per_address": 50,
    "max_sessions_per_registrar": 50,
    "login_attempts": 3,
    "tls_client_crl": None,
    "command_rate": None,
    "proxy_protocol": (),
    "workers": 1,
    "user": None,
    "group": None,
    "pidfile": None,
    "daemon": False,
    "metrics": None,
    "audit_log": None,
    "drain_timeout": 45,
    "readiness_window": 60,
    "log_level": "INFO",
}


def names() -> list[str]:
    return [one.name for one in config.options()]


@pytest.mark.parametrize("name", [name for name in names() if name in DEFAULTS])
def test_a_default_is_that_of_the_manual(places: Places, name: str) -> None:
    assert getattr(places.read(), name) == DEFAULTS[name]


def test_the_server_is_called_as_its_host(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "epp1.example.nz")
    assert places.read().server_name == "epp1.example.nz"


@pytest.mark.parametrize(("host", "length"), [("a", 3), ("x" * 80, 64)])
def test_a_host_name_that_makes_no_server_name_is_fitted(
    places: Places, monkeypatch: pytest.MonkeyPatch, host: str, length: int
) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: host)
    assert len(places.read().server_name) == length


def test_every_option_has_a_help_text() -> None:
    assert all(one.metadata["help"] for one in config.options())


# --- required


@pytest.mark.parametrize("missing", list(REQUIRED))
def test_a_required_option_that_is_missing_is_named(places: Places, missing: str) -> None:
    required = {name: value for name, value in REQUIRED.items() if name != missing}
    (fault,) = places.faults(required=required)
    assert fault.startswith(f"option {missing} is required")


def test_all_required_options_that_are_missing_are_named(places: Places) -> None:
    faults = places.faults(required={})
    assert [fault.split()[1] for fault in faults] == list(REQUIRED)


def test_the_certificate_of_a_registry_that_need_not_sign_may_be_missing(places: Places) -> None:
    required = {name: value for name, value in REQUIRED.items() if name != "pgp-registry-certificate"}
    read = places.read(["--backend-unsigned", "true"], required=required)
    assert read.pgp_registry_certificate == ()


def test_asking_for_client_certificates_needs_a_ca(places: Places) -> None:
    (fault,) = places.faults(["--require-client-certificate", "true"])
    assert "tls-client-ca" in fault
    assert places.read(["--require-client-certificate", "true", "--tls-client-ca", "/ca"]).tls_client_ca


# --- forms

SECONDS = ["handshake_timeout", "login_timeout", "idle_timeout", "frame_timeout", "backend_timeout"]
SIZES = ["max_frame", "max_output", "backend_max_response"]
COUNTS = [
    "max_queue",
    "backend_connections",
    "backend_batch",
    "default_period",
    "max_connections_per_address",
    "max_sessions_per_registrar",
    "login_attempts",
]
PATHS = [
    "tls_certificate",
    "tls_private_key",
    "tls_client_ca",
    "backend_ca",
    "pgp_signing_key",
    "pgp_passphrase_file",
    "pidfile",
    "audit_log",
]
BOOLEANS = ["require_client_certificate", "backend_unsigned", "daemon"]


def made(name: str, text: str) -> Config:
    """The Config with that text for that option, wherever it stood."""
    given: dict[str, Any] = {key.replace("-", "_"): value for key, value in REQUIRED.items()}
    given["pgp_registry_certificate"] = [given["pgp_registry_certificate"]]
    several = isinstance(DEFAULTS.get(name), tuple)
    return make_config({**given, name: [text] if several else text})


def refused(name: str, text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        made(name, text)
    return list(caught.value.faults)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("7", 7),
        ("7s", 7),
        ("1.5", 1.5),
        ("5m", 300),
        ("5 m", 300),
        ("0.5h", 1800),
        ("2h", 7200),
        ("5d", 432000),
        (" 9 ", 9),
        ("007", 7),
    ],
)
def test_a_duration_is_seconds_or_has_a_unit(text: str, value: float) -> None:
    for name in [*SECONDS, "drain_timeout", "grace_period"]:
        assert getattr(made(name, text), name) == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        "m",
        "-1",
        "+1",
        "1e3",
        "5M",
        "5w",
        "5 minutes",
        ".5",
        "5.",
        "1,5",
        "٣",
        "1_0",
        "inf",
        "nan",
        "9" * 400,
    ],
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    for name in ("idle_timeout", "drain_timeout"):
        (fault,) = refused(name, text)
        assert fault == f"option {name.replace('_', '-')}: {text!r}: not a duration such as 30, 5m, 2h or 5d"


@pytest.mark.parametrize("text", ["0", "0.0", "0m"])
def test_no_time_at_all_is_no_time_out(text: str) -> None:
    for name in SECONDS:
        (fault,) = refused(name, text)
        assert "must not be 0" in fault


@pytest.mark.parametrize("name", ["drain_timeout", "grace_period"])
def test_where_it_makes_sense_a_duration_may_be_nought(name: str) -> None:
    assert getattr(made(name, "0"), name) == 0


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("65536", 65536),
        ("64 KiB", 65536),
        ("64KiB", 65536),
        ("1 MiB", 1048576),
        ("16MiB", 16777216),
        ("1", 1),
    ],
)
def test_a_size_is_octets_or_has_a_unit(text: str, value: int) -> None:
    for name in SIZES:
        read = getattr(made(name, text), name)
        assert read == value
        assert isinstance(read, int)


@pytest.mark.parametrize(
    "text", ["", "KiB", "-1", "1.5 MiB", "64kib", "64K", "1 GiB", "1e6", "0", "0 MiB", "9" * 5000]
)
def test_what_is_no_size_is_refused(text: str) -> None:
    for name in SIZES:
        (fault,) = refused(name, text)
        assert fault.startswith(f"option {name.replace('_', '-')}: {text!r}: ")


@pytest.mark.parametrize("name", COUNTS)
def test_a_count_is_a_whole_number_of_one_or_more(name: str) -> None:
    assert getattr(made(name, "1"), name) == 1
    assert getattr(made(name, "100000"), name) == 100_000
    for text in ("", "0", "-1", "1.0", "ten", "1_000", "٣", "9" * 50):
        (fault,) = refused(name, text)
        assert fault == f"option {name.replace('_', '-')}: {text!r}: not a whole number of 1 or more"


@pytest.mark.parametrize(("name", "least", "most"), [("max_connections", 1, 65536), ("workers", 0, 64)])
def test_a_bounded_count_is_within_its_bounds(name: str, least: int, most: int) -> None:
    assert getattr(made(name, str(least)), name) == least
    assert getattr(made(name, str(most)), name) == most
    for text in ("", str(least - 1), str(most + 1), "1.0", "ten", "٣", "9" * 50):
        (fault,) = refused(name, text)
        assert fault.endswith(f"{text!r}: not a whole number from {least} to {most}")


@pytest.mark.parametrize("text", ["", "20", "20/", "/100", "0/5", "5/0", "-1/5", "1e3/5", "on", "20/1.5"])
def test_what_is_no_rate_is_refused(text: str) -> None:
    (fault,) = refused("command_rate", text)
    assert fault == (f"option command-rate: {text!r}: neither off nor of the form RATE/BURST, such as 20/100")


def test_a_rate_is_off_or_a_number_a_second_and_a_burst() -> None:
    assert made("command_rate", "off").command_rate is None
    assert made("command_rate", "0.5/3").command_rate == Rate(0.5, 3)


def test_a_crl_without_a_ca_and_a_group_without_a_user_are_faults() -> None:
    assert refused("tls_client_crl", "/crl.pem") == [
        "option tls-client-ca is required where tls-client-crl is given"
    ]
    assert refused("group", "epp") == ["option user is required where group is given"]


def test_a_network_is_an_address_or_a_prefix_without_host_bits() -> None:
    networks = (
        made("proxy_protocol", "192.0.2.0/24").proxy_protocol + made("proxy_protocol", "::1").proxy_protocol
    )
    assert [str(network) for network in networks] == ["192.0.2.0/24", "::1/128"]
    for text in ("", "192.0.2.1/24", "lb.example", "192.0.2.0/33"):
        (fault,) = refused("proxy_protocol", text)
        assert fault.startswith(f"option proxy-protocol: {text!r}: not a network: ")


@pytest.mark.parametrize("name", PATHS)
def test_a_file_name_is_taken_as_it_is(name: str) -> None:
    assert getattr(made(name, "some/file name.pem"), name) == Path("some/file name.pem")
    (fault,) = refused(name, " ")
    assert "empty file name" in fault


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("0.0.0.0:700", Address("0.0.0.0", 700)),
        ("[::]:700", Address("::", 700)),
        ("[fe80::1%eth0]:1", Address("fe80::1%eth0", 1)),
        ("epp.example.nz:65535", Address("epp.example.nz", 65535)),
        ("localhost:0", Address("localhost", 0)),
        (" a:1 ", Address("a", 1)),
    ],
)
def test_an_address_is_host_and_port(text: str, address: Address) -> None:
    assert made("listen", text).listen == (address,)


@pytest.mark.parametrize("address", [Address("::1", 700), Address("10.0.0.1", 1), Address("a.nz", 65535)])
def test_an_address_is_written_as_it_is_read(address: Address) -> None:
    assert config.parse_address(str(address)) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "a:",
        ":1",
        "a:x",
        "a:-1",
        "a:65536",
        "a:000001",
        "[]:1",
        "[a:1",
        "a]:1",
        "a b:1",
        "a:1 2",
        "a:٣",
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    assert refused("listen", text) == [f"option listen: {text!r}: not of the form HOST:PORT"]


@pytest.mark.parametrize("text", ["::1:700", "[::1]", "2001:db8::1"])
def test_an_ipv6_address_needs_brackets_and_a_port(text: str) -> None:
    (fault,) = refused("listen", text)
    assert "brackets" in fault


@pytest.mark.parametrize(
    "text",
    ["http://localhost:8080/", "https://h/srs/registrar?x=1&y=%20", "http://[::1]:80", "HTTPS://h"],
)
def test_a_url_of_the_registry_is_taken_as_it_is(text: str) -> None:
    assert made("backend", text).backend == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "registry.example.nz",
        "//h/",
        "ftp://h/",
        "file:///etc/passwd",
        "http://",
        "http:///path",
        "http://h:port/",
        "http://h:99999/",
        "http://[::1/",
        "http://user:password@h/",
        "http://user@h/",
        "http://h/a b",
        "http://h/\x01",
        "http://h/\N{LATIN SMALL LETTER E WITH ACUTE}",
        "http://\N{LATIN SMALL LETTER E WITH ACUTE}.nz/",
    ],
)
def test_what_no_request_can_be_sent_to_is_refused(text: str) -> None:
    (fault,) = refused("backend", text)
    assert fault.startswith("option backend: ")


@pytest.mark.parametrize("text", ["abc", "x" * 64, "EPP of .nz", "Māori"])
def test_a_server_name_has_3_to_64_characters(text: str) -> None:
    assert made("server_name", text).server_name == text


@pytest.mark.parametrize("text", ["", "ab", "x" * 65, "a  b", "a\tb"])
def test_what_is_no_server_name_is_refused(text: str) -> None:
    (fault,) = refused("server_name", text)
    assert "3 to 64 characters" in fault


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("tls_minimum", ["TLSv1.2", "TLSv1.3"], ["TLSv1.1", "tlsv1.2", "1.3", ""]),
        ("log_level", ["DEBUG", "INFO", "WARNING", "ERROR"], ["debug", "TRACE", "", "10"]),
    ],
)
def test_a_choice_is_one_of_its_words(name: str, good: list[str], bad: list[str]) -> None:
    for text in good:
        assert getattr(made(name, text), name) == text
    for text in bad:
        (fault,) = refused(name, text)
        assert all(word in fault for word in good)


@settings(max_examples=200, deadline=None, database=None)
@given(text=st.text(max_size=30))
@pytest.mark.parametrize(
    "parse",
    [
        config.parse_address,
        config.parse_duration,
        config.parse_size,
        config.parse_boolean,
        config.parse_path,
        config.parse_url,
        config.parse_server_name,
        config.at_least(1),
        config.one_of("a", "b"),
        config.positive(config.parse_duration),
    ],
)
def test_any_text_is_a_value_or_a_value_error(parse: Callable[[str], object], text: str) -> None:
    with contextlib.suppress(ValueError):
        assert parse(text) is not None


# --- booleans

TRUE, FALSE = ["true", "True", "TRUE", "yes", "on", "1"], ["false", "False", "no", "OFF", "0"]


@pytest.mark.parametrize(("text", "value"), [(t, True) for t in TRUE] + [(f, False) for f in FALSE])
@pytest.mark.parametrize("name", BOOLEANS)
def test_a_boolean_takes_a_value_in_every_place(places: Places, name: str, text: str, value: bool) -> None:
    ca = {**REQUIRED, "tls-client-ca": "/ca"}
    option = name.replace("_", "-")

    for read in (
        places.read([f"--{option}", text], required=ca),
        places.read([f"--{option}={text}"], required=ca),
        places.read(environment={f"EPPD_{name.upper()}": text}, required=ca),
        places.read(file=f"{option} = {text}\n", required=ca),
    ):
        assert getattr(read, name) is value


@pytest.mark.parametrize("text", ["", "maybe", "2", "truee"])
def test_what_is_neither_true_nor_false_is_refused_in_every_place(places: Places, text: str) -> None:
    expected = [f"option backend-unsigned: {text!r}: neither true nor false"]

    assert places.faults([f"--backend-unsigned={text}"]) == expected
    assert places.faults(environment={"EPPD_BACKEND_UNSIGNED": text}) == expected
    assert places.faults(file=f"backend-unsigned = {text}\n") == expected


def test_a_boolean_without_a_value_is_an_error_on_the_command_line(places: Places) -> None:
    (fault,) = places.faults(["--backend-unsigned"])
    assert "backend-unsigned" in fault


def test_true_of_a_lower_place_can_be_made_false(places: Places) -> None:
    read = places.read(["--backend-unsigned", "false"], {"EPPD_BACKEND_UNSIGNED": "true"})
    assert read.backend_unsigned is False


# --- places

VALUES = {
    "listen": ["a:1", "b:2", "c:3"],
    "server_name": ["one", "two", "three"],
    "tls_certificate": ["/one", "/two", "/three"],
    "tls_minimum": ["TLSv1.2", "TLSv1.3", "TLSv1.2"],
    "idle_timeout": ["1s", "2s", "3s"],
    "max_frame": ["1KiB", "2KiB", "3KiB"],
    "max_queue": ["1", "2", "3"],
    "backend": ["http://one/", "http://two/", "http://three/"],
    "backend_unsigned": ["true", "false", "true"],
    "pgp_registry_certificate": ["/one", "/two", "/three"],
    "service": ["urn:one", "urn:two", "urn:three"],
    "log_level": ["DEBUG", "ERROR", "WARNING"],
}


@pytest.mark.parametrize("name", VALUES)
def test_command_line_goes_before_environment_before_file_before_default(places: Places, name: str) -> None:
    option, variable = name.replace("_", "-"), f"EPPD_{name.upper()}"
    line, env, file = VALUES[name]
    required = {key: value for key, value in REQUIRED.items() if key != option}

    def read(*given: str) -> Any:
        found = places.read(
            [f"--{option}", line] if "line" in given else [],
            {variable: env} if "environment" in given else {},
            f"{option} = {file}\n" if "file" in given else "",
            required,
        )
        return getattr(found, name)

    alone = {place: read(place) for place in ("line", "environment", "file")}
    assert alone["line"] != alone["environment"] != alone["file"]
    assert read("line", "environment", "file") == alone["line"]
    assert read("line", "file") == alone["line"]
    assert read("environment", "file") == alone["environment"]
    if name in DEFAULTS:
        assert read() == DEFAULTS[name]


@pytest.mark.parametrize("name", names())
def test_every_option_is_known_in_every_place(name: str, tmp_path: Path) -> None:
    option, file = name.replace("_", "-"), tmp_path / "eppd.conf"
    file.write_text(f"{option} = some text\n")

    for argv, environment in (
        ([f"--{option}", "some text"], {}),
        ([], {f"EPPD_{name.upper()}": "some text"}),
        (["--config", str(file)], {}),
    ):
        texts, faults = read_options(argv, prepare=lambda parser: None, environment=environment)
        assert getattr(texts, name) in ("some text", ["some text"])
        assert faults == []


@pytest.mark.parametrize(
    ("file", "value"),
    [
        ("listen = [[::]:700, 0.0.0.0:700]", ("[::]:700", "0.0.0.0:700")),
        ('listen = ["[::]:700", "0.0.0.0:700"]', ("[::]:700", "0.0.0.0:700")),
        ("listen = [[::]:700]", ("[::]:700",)),
        ("listen = [::]:700", ("[::]:700",)),
        ("listen = a:1", ("a:1",)),
        ("listen = [ a:1 ,b:2,  c:3 ]", ("a:1", "b:2", "c:3")),
        ("listen: [a:1]", ("a:1",)),
        ("listen = [a:1]  # a comment", ("a:1",)),
    ],
)
def test_a_list_in_the_file_and_the_environment(places: Places, file: str, value: tuple[str, ...]) -> None:
    expected = tuple(map(config.parse_address, value))
    assert places.read(file=f"{file}\n").listen == expected
    if "#" not in file:
        text = file.removeprefix("listen").lstrip(" :=")
        assert places.read(environment={"EPPD_LISTEN": text}).listen == expected


def test_a_list_on_the_command_line_is_the_option_repeated(places: Places) -> None:
    read = places.read(["--listen", "a:1", "--listen=b:2"])
    assert read.listen == (Address("a", 1), Address("b", 2))


@pytest.mark.parametrize("higher", ["line", "environment"])
def test_a_given_list_replaces_the_one_of_a_lower_place(places: Places, higher: str) -> None:
    argv = ["--listen", "a:1", "--service", "urn:a"] if higher == "line" else []
    environment = {"EPPD_LISTEN": "[a:1]", "EPPD_SERVICE": "urn:a"} if higher == "environment" else {}
    read = places.read(argv, environment, "listen = [x:1, y:2, z:3]\nservice = [urn:x, urn:y]\n")

    assert read.listen == (Address("a", 1),)
    assert read.service == ("urn:a",)


def test_comments_sections_and_blank_lines_of_the_file_are_passed_over(places: Places) -> None:
    read = places.read(file="# one\n; two\n\n[section]\nmax-queue = 7 # seven\n---\n  idle-timeout : 8\n")
    assert (read.max_queue, read.idle_timeout) == (7, 8)


def test_a_value_may_stand_in_quotes_or_begin_with_a_dash(places: Places) -> None:
    assert places.read(file='server-name = "EPP of .nz"\n').server_name == "EPP of .nz"
    assert places.read(file="server-name = -x-\n").server_name == "-x-"
    assert places.read(environment={"EPPD_SERVER_NAME": "--x"}).server_name == "--x"


def test_the_policy_may_be_xml(places: Places) -> None:
    dcp = "<dcp><access><all/></access><statement><purpose a='b'/></statement></dcp>"
    assert places.read(file=f"dcp = {dcp}\n").dcp == dcp
    assert places.read(environment={"EPPD_DCP": dcp}).dcp == dcp


def test_the_environment_may_name_the_file(places: Places) -> None:
    places.read(file="max-queue = 7\n")
    assert places._make([], {"EPPD_CONFIG": str(places.file)}).max_queue == 7


def test_the_command_line_names_the_file_before_the_environment_does(places: Places, tmp_path: Path) -> None:
    assert (
        places.read(environment={"EPPD_CONFIG": str(tmp_path / "none")}, file="max-queue = 7").max_queue == 7
    )


def test_without_an_environment_neither_it_nor_the_file_is_read(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    places.file.write_text("max-queue = 7\nnonsense = 1\n")
    monkeypatch.setattr(config, "DEFAULT_FILE", str(places.file))
    monkeypatch.setenv("EPPD_MAX_QUEUE", "8")
    monkeypatch.setenv("EPPD_NONSENSE", "8")

    texts, faults = read_options(["--idle-timeout", "9"], prepare=lambda parser: None)

    assert (texts.max_queue, texts.idle_timeout, faults) == (None, "9", [])


def test_the_default_file_is_read_where_it_is_there(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    places.read(file="max-queue = 7\n")
    monkeypatch.setattr(config, "DEFAULT_FILE", str(places.file))
    assert places._make([], {}).max_queue == 7


def test_other_variables_of_the_environment_do_not_matter(places: Places) -> None:
    environment = {"PATH": "/bin", "EPP": "1", "XEPPD_LISTEN": "1", "eppd_listen": "1", "EPPDLISTEN": "1"}
    assert places.read(environment=environment) == places.read()


# --- faults


def test_an_unknown_key_is_named_with_its_file(places: Places) -> None:
    faults = places.faults(file="lisen = a:1\nidle_timeout = 5\nIdle-Timeout = 5\nconfig = /x\nhelp = 1\n")
    assert faults == [
        f"FILE: unknown key {key!r}" for key in ("lisen", "idle_timeout", "Idle-Timeout", "config", "help")
    ]


def test_an_unknown_variable_is_named(places: Places) -> None:
    faults = places.faults(environment={"EPPD_LISEN": "a:1", "EPPD_": "", "EPPD_idle_timeout": "1"})
    assert faults == [
        "environment: unknown option EPPD_",
        "environment: unknown option EPPD_LISEN",
        "environment: unknown option EPPD_idle_timeout",
    ]


@pytest.mark.parametrize("argument", ["--lisen=a:1", "--idle", "--idle-time=5", "--list", "--backend-c=5"])
def test_an_unknown_or_shortened_option_is_named(places: Places, argument: str) -> None:
    (fault,) = places.faults([argument])
    assert argument.split("=")[0] in fault


def test_a_word_too_many_is_named(places: Places) -> None:
    (fault,) = places.faults(["surplus"])
    assert "surplus" in fault


def test_all_faults_are_said_at_once(places: Places) -> None:
    faults = places.faults(
        ["--max-queue", "0", "--listen", "a", "--listen", "b:1", "--listen", "c"],
        {"EPPD_WHATEVER": "1", "EPPD_MAX_FRAME": "much"},
        "idle-timeout = soon\nnonsense = 1\n",
        {name: value for name, value in REQUIRED.items() if name != "backend"},
    )
    assert [fault.split(": ")[0] for fault in faults] == [
        "FILE",
        "environment",
        "option listen",
        "option listen",
        "option idle-timeout",
        "option max-frame",
        "option max-queue",
        "option backend is required",
    ]


def test_several_faults_make_one_message() -> None:
    error = ConfigError(["one", "two"])
    assert str(error) == "one; two"
    assert error.faults == ("one", "two")


def test_a_list_for_one_value_is_refused(places: Places) -> None:
    for faults in (
        places.faults(file="idle-timeout = [5, 6]\n"),
        places.faults(environment={"EPPD_IDLE_TIMEOUT": "[5, 6]"}),
    ):
        assert len(faults) == 1
        assert "idle-timeout" in faults[0]


@pytest.mark.parametrize("missing", [True, False], ids=["missing", "a folder"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, missing: bool) -> None:
    file = tmp_path / "none" if missing else tmp_path
    with pytest.raises(ConfigError) as caught:
        read_options(["--config", str(file)], prepare=lambda parser: None, environment={})
    (fault,) = caught.value.faults
    assert str(file) in fault


@pytest.mark.parametrize("octets", [b"server-name = \xe9pp\n", b"\x7fELF\x00\xd0\xff\xfe"])
def test_a_file_that_is_no_text_is_named(tmp_path: Path, octets: bytes) -> None:
    file = tmp_path / "eppd.conf"
    file.write_bytes(octets)
    with pytest.raises(ConfigError) as caught:
        read_options(["--config", str(file)], prepare=lambda parser: None, environment={})
    assert caught.value.faults == (f"{file}: not UTF-8 text",)


@pytest.mark.parametrize("line", ["= 5", ": x", '"'])
def test_a_line_that_says_nothing_is_named(places: Places, line: str) -> None:
    (fault,) = places.faults(file=f"{line}\n")
    assert "FILE" in fault


def test_a_config_cannot_be_changed(places: Places) -> None:
    with pytest.raises(AttributeError):
        places.read().max_queue = 5  # type: ignore[misc]
