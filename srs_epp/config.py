"""Every option of eppd, once: its name, form, default and help. They end in one frozen Config.

The command line goes before the environment (``EPPD_LONG_NAME``), that before the file, that before the
defaults. Faults are collected, so that ``check-config`` can say all of them.
"""

from __future__ import annotations

import dataclasses
import io
import ipaddress
import os
import re
import socket
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import configargparse

DEFAULT_FILE = "/etc/eppd/eppd.conf"
ENVIRONMENT_PREFIX = "EPPD_"
MOST_CONNECTIONS = 65536  # what the table that all workers share has room for

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network


class ConfigError(Exception):
    """Everything that is wrong with the options, a line each."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = tuple(faults)


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen: a host name or address, and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Rate:
    """So many a second in the long run, and at most ``burst`` at once."""

    per_second: float
    burst: int


def parse_address(text: str) -> Address:
    """``HOST:PORT`` or ``[v6]:PORT``.

    >>> parse_address("[::]:700")
    Address(host='::', port=700)
    """
    host, _, port = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise ValueError("an IPv6 address stands in brackets: [::1]:700")
    if not re.fullmatch(r"[^\s\[\]]+", host) or not re.fullmatch(r"[0-9]{1,5}", port) or int(port) > 65535:
        raise ValueError("not of the form HOST:PORT")
    return Address(host, int(port))


_DURATION = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_LONGEST_TIMEOUT = 24 * 86400  # poll(2) takes milliseconds in an int
_SIZE = {"": 1, "KiB": 1024, "MiB": 1024 * 1024}


def parse_duration(text: str) -> float:
    """Seconds, or ``90s``, ``5m``, ``2h``, ``5d``.

    >>> parse_duration("5m")
    300.0
    """
    found = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)\s*([smhd]?)", text)
    if not found:
        raise ValueError("not a duration such as 30, 5m, 2h or 5d")
    return float(found[1]) * _DURATION[found[2]]


def parse_timeout(text: str) -> float:
    """A duration that is waited for, which the system limits: at most 24 days."""
    seconds = parse_duration(text)
    if seconds > _LONGEST_TIMEOUT:
        raise ValueError("a time-out is at most 24d")
    return seconds


def parse_size(text: str) -> int:
    """Octets, or ``64 KiB``, ``1 MiB``.

    >>> parse_size("1 MiB")
    1048576
    """
    found = re.fullmatch(r"([0-9]{1,12})\s*(|KiB|MiB)", text)
    if not found:
        raise ValueError("not a size such as 65536, 64 KiB or 1 MiB")
    return int(found[1]) * _SIZE[found[2]]


def parse_rate(text: str) -> Rate | None:
    """``RATE/BURST``: a number a second, and how many may come at once; ``off``: None.

    >>> parse_rate("20/100")
    Rate(per_second=20.0, burst=100)
    """
    if text == "off":
        return None
    found = re.fullmatch(r"([0-9]{1,6}(?:\.[0-9]{1,6})?)/([0-9]{1,6})", text)
    if not found or not float(found[1]) or not int(found[2]):
        raise ValueError("neither off nor of the form RATE/BURST, such as 20/100")
    return Rate(float(found[1]), int(found[2]))


def parse_network(text: str) -> Network:
    """An address, or a network such as 192.0.2.0/24."""
    try:
        return ipaddress.ip_network(text)
    except ValueError as error:
        raise ValueError(f"not a network: {error}") from None


def parse_boolean(text: str) -> bool:
    """``true`` or ``false`` (``yes``, ``no``, ``on``, ``off``, ``1``, ``0``)."""
    value = text.lower()
    if value in ("true", "yes", "on", "1"):
        return True
    if value in ("false", "no", "off", "0"):
        return False
    raise ValueError("neither true nor false")


def parse_path(text: str) -> Path:
    """A file or folder; whether it can be read is checked when it is."""
    if not text:
        raise ValueError("an empty file name")
    return Path(text)


def parse_log_target(text: str) -> str:
    """``stderr``, ``syslog``, or the name of a file, which says so by a slash."""
    if text not in ("stderr", "syslog") and "/" not in text:
        raise ValueError("neither stderr nor syslog, nor a file's name with a / in it")
    return text


def parse_url(text: str) -> str:
    """An http or https URL."""
    if not re.fullmatch(r"[!-~]+", text):
        raise ValueError("a URL has no blanks, and only ASCII characters")
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("not an http:// or https:// URL")
    if parts.username is not None or parts.password is not None:
        raise ValueError("a URL with a user name or password in it")
    _ = parts.port  # raises for one that is no number
    return text


def parse_server_name(text: str) -> str:
    """svID: 3 to 64 characters."""
    if not 3 <= len(text) <= 64 or text != " ".join(text.split()):
        raise ValueError("not 3 to 64 characters without stray blanks")
    return text


def at_least(least: int) -> Callable[[str], int]:
    """A whole number that is ``least`` or more."""

    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,18}", text) or int(text) < least:
            raise ValueError(f"not a whole number of {least} or more")
        return int(text)

    return parse


def between(least: int, most: int) -> Callable[[str], int]:
    """A whole number from ``least`` to ``most``."""

    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,18}", text) or not least <= int(text) <= most:
            raise ValueError(f"not a whole number from {least} to {most}")
        return int(text)

    return parse


def one_of(*choices: str) -> Callable[[str], str]:
    """One of these words."""

    def parse(text: str) -> str:
        if text not in choices:
            raise ValueError("none of " + ", ".join(choices))
        return text

    return parse


def positive(parse_number: Callable[[str], Any]) -> Callable[[str], Any]:
    """The same, but not nought."""

    def parse(text: str) -> Any:
        value = parse_number(text)
        if not value:
            raise ValueError("must not be 0")
        return value

    return parse


def option(
    parse: Callable[[str], Any],
    help_text: str,
    default: Any,
    *,
    several: bool = False,
    required: bool = False,
) -> Any:
    """A field of Config: ``default`` is text, as one would write it; None where there is none."""
    metadata = {
        "parse": parse,
        "help": help_text,
        "default": default,
        "several": several,
        "required": required,
    }
    return field(metadata=metadata)


@dataclass(frozen=True, slots=True)
class Config:
    """What `eppd run` was told. Durations are seconds, sizes octets."""

    listen: tuple[Address, ...] = option(
        parse_address,
        "HOST:PORT or [v6]:PORT to listen on; a name is resolved to all its addresses",
        ("[::]:700", "0.0.0.0:700"),
        several=True,
    )
    server_name: str = option(parse_server_name, "svID of the greeting; default: the host's name", None)
    tls_certificate: Path = option(parse_path, "PEM file: our certificate and its chain", None, required=True)
    tls_private_key: Path = option(parse_path, "PEM file: the certificate's private key", None, required=True)
    tls_client_ca: Path | None = option(
        parse_path,
        "PEM file, or folder of such, with the CAs of client certificates; none: none is asked for",
        None,
    )
    tls_client_crl: Path | None = option(
        parse_path, "PEM file with the CRL of each of these CAs; a certificate without one is refused", None
    )
    require_client_certificate: bool = option(
        parse_boolean, "refuse a client without a valid certificate, and check its names at login", "false"
    )
    tls_minimum: str = option(one_of("TLSv1.2", "TLSv1.3"), "oldest version of TLS to speak", "TLSv1.2")
    handshake_timeout: float = option(positive(parse_timeout), "time for the TLS handshake", "10")
    login_timeout: float = option(positive(parse_timeout), "time from connect to login", "30")
    idle_timeout: float = option(positive(parse_timeout), "time without a complete command", "5m")
    frame_timeout: float = option(
        positive(parse_timeout), "time from the first to the last octet of one data unit", "30"
    )
    session_timeout: float = option(parse_timeout, "time that a whole session may last; 0: any", "0")
    max_frame: int = option(positive(parse_size), "octets of one data unit", "1 MiB")
    max_queue: int = option(at_least(1), "commands read and not yet answered", "100")
    max_output: int = option(
        positive(parse_size), "octets of answers not yet taken, above which input stops being read", "1 MiB"
    )
    backend: str = option(parse_url, "URL that SRS requests are POSTed to", None, required=True)
    backend_ca: Path | None = option(
        parse_path, "PEM file: CA of an https back end; default: the system's", None
    )
    backend_timeout: float = option(positive(parse_timeout), "time for one request to the registry", "30")
    backend_connections: int = option(at_least(1), "connections to the registry, per worker", "32")
    backend_batch: int = option(at_least(1), "most SRS actions in one request", "10")
    backend_max_response: int = option(
        positive(parse_size), "octets of one response of the registry", "8 MiB"
    )
    recovery_timeout: float = option(
        parse_timeout, "time to find out what became of a write that the registry did not answer", "10"
    )
    registry_timeout: float = option(
        parse_timeout, "time after which the registry itself has given a request up", "120"
    )
    pgp_signing_key: Path = option(
        parse_path, "armoured OpenPGP secret key that signs our requests", None, required=True
    )
    pgp_passphrase_file: Path | None = option(parse_path, "file whose first line opens that key", None)
    pgp_registry_certificate: tuple[Path, ...] = option(
        parse_path,
        "armoured OpenPGP certificate of the registry, which signs its responses",
        (),
        several=True,
    )
    backend_unsigned: bool = option(
        parse_boolean, "take responses that bear no signature (a wrong one is always refused)", "false"
    )
    service: tuple[str, ...] = option(
        str, "object URI on offer; default: all that are implemented", (), several=True
    )
    extension: tuple[str, ...] = option(
        str, "extension URI on offer; default: all that are implemented", (), several=True
    )
    dcp: str | None = option(str, "the data collection policy of the greeting: its <dcp> element", None)
    default_period: int = option(at_least(1), "months of a registration that names no period", "1")
    grace_period: float = option(parse_duration, "time after registration that rgp calls addPeriod", "5d")
    restore_on_update: bool = option(
        parse_boolean, "restore a domain that is pending release with every update of it", "false"
    )
    max_connections: int = option(between(1, MOST_CONNECTIONS), "connections at a time", "1000")
    max_connections_per_address: int = option(at_least(1), "connections of one client address", "50")
    max_sessions_per_registrar: int = option(at_least(1), "sessions logged in as one registrar", "50")
    command_rate: Rate | None = option(
        parse_rate,
        "commands a second of one registrar, and how many at once: RATE/BURST, or off; who sends more is"
        " slowed down",
        "off",
    )
    login_attempts: int = option(at_least(1), "refused logins of a session before it is closed", "3")
    proxy_protocol: tuple[Network, ...] = option(
        parse_network,
        "network of load balancers, from which each connection must begin with a PROXY header",
        (),
        several=True,
    )
    workers: int = option(between(0, 64), "worker processes; 0: one a processor", "1")
    user: str | None = option(str, "user to run as, once the sockets are open", None)
    group: str | None = option(str, "group to run as; default: the user's", None)
    pidfile: Path | None = option(parse_path, "file for the pid of the master process", None)
    daemon: bool = option(parse_boolean, "go into the background once connections are served", "false")
    drain_timeout: float = option(parse_timeout, "time for sessions to end after SIGTERM", "45")
    metrics: Address | None = option(
        parse_address, "HOST:PORT of /metrics, /healthz, /readyz, /status and /status.json", None
    )
    readiness_window: float = option(
        positive(parse_timeout), "time without an answer of the registry after which /readyz fails", "60"
    )
    audit_log: Path | None = option(
        parse_path, "file of JSON lines: each connection, login, refusal and command", None
    )
    log_format: str = option(one_of("text", "json"), "form of a log line", "text")
    log_target: str = option(parse_log_target, "where the log goes: stderr, syslog, or a file", "stderr")
    log_level: str = option(one_of("DEBUG", "INFO", "WARNING", "ERROR"), "least that is logged", "INFO")


def long_name(name: str) -> str:
    """The option's name as a person writes it: ``idle_timeout`` is ``idle-timeout``."""
    return name.replace("_", "-")


def options() -> tuple[dataclasses.Field[Any], ...]:
    """The options, in the order in which they are explained."""
    return dataclasses.fields(Config)


def _file_parser(known: frozenset[str], faults: list[str]) -> type[Any]:
    """A parser of the file that takes out the keys which we don't know, and says so in ``faults``."""

    class ConfigFile(configargparse.DefaultConfigFileParser):  # type: ignore[misc]
        def parse(self, stream: Any) -> dict[str, Any]:
            try:
                lines = stream.readlines()
            except UnicodeDecodeError:
                raise ConfigError([f"{stream.name}: not UTF-8 text"]) from None
            text = io.StringIO("".join(lines))
            text.name = stream.name
            found = super().parse(text)
            keys: Counter[str] = Counter()
            for line in lines:
                keys.update(list(super().parse([line])))
            faults.extend(f"{stream.name}: key {key!r} comes twice" for key in keys if keys[key] > 1)
            faults.extend(f"{stream.name}: unknown key {key!r}" for key in found if key not in known)
            return {key: value for key, value in found.items() if key in known}

    return ConfigFile


class Parser(configargparse.ArgumentParser):  # type: ignore[misc]
    """argparse with ConfigArgParse's sources; a fault is raised as ConfigError instead of ending us."""

    def knows(self, word: str) -> bool:
        """Whether ``word`` names an option, perhaps with ``=VALUE`` behind it, or ends the options."""
        return word == "--" or word.split("=", 1)[0] in self._option_string_actions

    last_positional = ""
    """Name of a positional that may be missing, and may stand behind options; "" where there is none."""

    def parse_known_args(self, *args: Any, **kwargs: Any) -> tuple[Any, list[str]]:
        """argparse gives up on a positional that may be missing when an option comes before it."""
        namespace, rest = super().parse_known_args(*args, **kwargs)
        if rest and not rest[0].startswith("-") and getattr(namespace, self.last_positional, "") is None:
            setattr(namespace, self.last_positional, rest.pop(0))
        return namespace, rest

    def error(self, message: object) -> Any:
        raise ConfigError([str(message)])


def add_options(parser: Any) -> None:
    """Every option of Config, as text: values are read when all are known, so that all faults can be said."""
    for one in options():
        several = one.metadata["several"]
        parser.add_argument(
            f"--{long_name(one.name)}",
            action="append" if several else "store",
            default=None,
            metavar="VALUE",
            help=one.metadata["help"] + _shown_default(one.metadata["default"], several),
        )


def _shown_default(default: Any, several: bool) -> str:
    if not default:
        return ""
    return f" (default: {'[' + ', '.join(default) + ']' if several else default})"


def read_options(
    argv: Sequence[str], prepare: Callable[[Any], None], environment: Mapping[str, str] | None = None
) -> tuple[Any, list[str]]:
    """The options of the command line, the environment and the file: a namespace of text, and the faults.

    ``prepare`` adds what the command itself takes to the parser. ``environment`` None: of the command line
    alone, without environment and file. ConfigError where they can't be read.
    """
    keys = frozenset(long_name(one.name) for one in options())
    faults: list[str] = []
    parser = Parser(
        prog="eppd",
        allow_abbrev=False,
        add_env_var_help=False,
        add_config_file_help=False,
        auto_env_var_prefix=ENVIRONMENT_PREFIX,
        config_file_parser_class=_file_parser(keys, faults),
    )
    parser.add_argument(
        "--config",
        is_config_file=True,
        env_var=f"{ENVIRONMENT_PREFIX}CONFIG",
        metavar="FILE",
        # one in a folder that we may not enter is not for us
        default=DEFAULT_FILE if os.access(DEFAULT_FILE, os.F_OK) else None,
        help=f"configuration file (default: {DEFAULT_FILE})",
    )
    prepare(parser)
    add_options(parser)
    unknown = [word for word in argv if word.startswith("--") and not parser.knows(word)]
    if unknown:
        raise ConfigError([f"unknown option {word.split('=')[0]}" for word in unknown])
    if environment is None:
        return parser.parse_args(list(argv), env_vars={}, config_file_contents=""), []
    namespace = parser.parse_args(list(argv), env_vars=dict(environment))
    known = {ENVIRONMENT_PREFIX + one.name.upper() for one in options()} | {f"{ENVIRONMENT_PREFIX}CONFIG"}
    faults += [
        f"environment: unknown option {name}"
        for name in sorted(environment)
        if name.startswith(ENVIRONMENT_PREFIX) and name not in known
    ]
    return namespace, faults


def make_config(texts: Mapping[str, Any], faults: Sequence[str] = ()) -> Config:
    """The Config of these texts (names as in Config, None where not given); ConfigError with every fault."""
    config, found = gather(texts)
    if found or faults:
        raise ConfigError([*faults, *found])
    return config


def gather(texts: Mapping[str, Any]) -> tuple[Config, list[str]]:
    """The Config of these texts, and its faults: what is faulty or missing is None in it."""
    found: list[str] = []
    values: dict[str, Any] = {}
    for one in options():
        given = texts.get(one.name)
        if given is None:
            given = one.metadata["default"]
        values[one.name] = _value(one, given, found)
    if values["server_name"] is None:
        values["server_name"] = socket.gethostname().ljust(3, "-")[:64]
    found += [
        f"option {long_name(one.name)} is required"
        for one in options()
        if one.metadata["required"] and texts.get(one.name) is None
    ]
    if not texts.get("pgp_registry_certificate") and not values["backend_unsigned"]:
        found.append("option pgp-registry-certificate is required (unless backend-unsigned is true)")
    if values["tls_client_ca"] is None:
        found += [
            f"option tls-client-ca is required where {text}"
            for needed, text in (
                (values["require_client_certificate"], "require-client-certificate is true"),
                (values["tls_client_crl"], "tls-client-crl is given"),
            )
            if needed
        ]
    if values["group"] is not None and values["user"] is None:
        found.append("option user is required where group is given")
    return Config(**values), found


def _value(one: dataclasses.Field[Any], given: Any, faults: list[str]) -> Any:
    parse, several = one.metadata["parse"], one.metadata["several"]
    if given is None:
        return None
    values = []
    for text in given if several else [given]:
        try:
            values.append(parse(text.strip()))
        except ValueError as error:
            faults.append(f"option {long_name(one.name)}: {text!r}: {error}")
    if several:
        return tuple(values)
    return values[0] if values else None
