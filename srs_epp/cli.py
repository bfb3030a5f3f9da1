"""What a person types: ``eppd [options] run``, ``eppd sandbox``, ``eppd refusals`` and so on."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from srs_epp import __version__, config
from srs_epp.config import Config, ConfigError
from srs_epp.daemon import inheritance, launch, logs, refusals, runtime, service, sockets
from srs_epp.sandbox import run as sandbox

OK, FAILED, WRONG_OPTIONS = 0, 1, 2

# what is for one command alone
_OWN_OPTIONS = {
    "data": "sandbox",
    "registrar": "sandbox",
    "fresh": "sandbox",
    "registry_listen": "sandbox",
    "advance": "sandbox",
    "since": "refusals",
    "subject": "refusals",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; its exit code: 0 done, 1 failed at run time, 2 wrong options or configuration."""
    argv = sys.argv[1:] if argv is None else argv
    _open_standard_streams()
    try:
        given, _ = config.read_options(argv, _prepare)
        return _COMMANDS[given.command](argv, given)
    except ConfigError as error:
        more = len(error.faults) - 1
        hint = f" (and {more} more: 'eppd check-config' says all)" if more else ""
        return _fail(f"{error.faults[0]}{hint}", WRONG_OPTIONS)
    except (launch.CannotStart, sockets.CannotListen, sandbox.SandboxError) as error:
        return _fail(str(error), FAILED)
    except OSError as error:  # a pipe that nobody reads, a full disk
        return _fail(str(error), FAILED)
    except KeyboardInterrupt:
        return _fail("interrupted", FAILED)
    finally:
        _flush_standard_streams()


def _open_standard_streams() -> None:
    """Where we were started without some of them, no socket may take their place."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        continue
    os.close(descriptor)
    sys.stdout = sys.stdout or open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", closefd=False)  # noqa: SIM115


def _flush_standard_streams() -> None:
    """What they don't take is forgotten here; Python would complain of it at its end."""
    for descriptor, stream in ((1, sys.stdout), (2, sys.stderr)):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)


def _prepare(parser: Any) -> None:
    parser.description = "An EPP server (RFC 5730-5734) in front of a registry that speaks the SRS protocol."
    parser.add_argument("--version", action="version", version=f"eppd {__version__}")
    parser.add_argument(
        "command",
        nargs="?",
        choices=sorted(_COMMANDS),
        default="run",
        metavar="COMMAND",
        help="run (the default), check-config, sandbox, refusals; start, stop, status, restart, reload",
    )
    group = parser.add_argument_group("refusals", "why connections and logins were refused, by the audit log")
    group.add_argument("--since", metavar="T", help="2h, 3d, 14:30, 2030-12-31 or 2030-12-31T14:30")
    parser.last_positional = "subject"
    group.add_argument(
        "subject", nargs="?", metavar="WHOM", help="a registrar's id, an address or a network; default: all"
    )
    group = parser.add_argument_group("sandbox", "a complete EPP server with an embedded registry behind it")
    group.add_argument("--data", metavar="DIR", help=f"its folder (default: {sandbox.DEFAULT_FOLDER})")
    group.add_argument(
        "--registrar",
        action="append",
        metavar="ID:PASSWORD",
        help="a registrar and its password, which is test data: anybody on this machine may read it",
    )
    group.add_argument("--fresh", action="store_true", default=None, help="forget what the folder holds")
    group.add_argument(
        "--registry-listen", metavar="HOST:PORT", help="of the registry (default: 127.0.0.1, any port)"
    )
    group.add_argument(
        "--advance", metavar="DURATION", help="move the clock of the sandbox of DIR, such as 6d, and exit"
    )


def _texts(argv: Sequence[str]) -> tuple[dict[str, Any], list[str]]:
    """What was said in all places, for the commands that read them."""
    given, faults = config.read_options(argv, _prepare, os.environ)
    faults += _misplaced(given)
    return vars(given), faults


def _misplaced(given: Any) -> list[str]:
    """What was said that is for another command."""
    return [
        f"option {config.long_name(name)} is for the command {command}"
        for name, command in _OWN_OPTIONS.items()
        if getattr(given, name) is not None and given.command != command
    ]


def _read(argv: Sequence[str]) -> Config:
    return config.make_config(*_texts(argv))


def _read_in_part(argv: Sequence[str]) -> Config:
    """Enough to find an eppd that runs: a fault that keeps it from starting must not keep it from ending."""
    options, faults = config.gather(_texts(argv)[0])
    if options.drain_timeout is None:
        raise ConfigError(faults)
    return options


def _run(argv: Sequence[str], _given: Any) -> int:
    return launch.run(_read(argv), lambda: _read(argv))


def _start(argv: Sequence[str], _given: Any) -> int:
    def read() -> Config:
        texts, faults = _texts(argv)
        return config.make_config(texts | {"daemon": "true"}, faults)

    options = read()
    if options.pidfile is None:
        raise ConfigError(["option pidfile is required for start"])
    return launch.run(options, read)


def _stop(argv: Sequence[str], _given: Any) -> int:
    return service.stop(_read_in_part(argv), sys.stdout)


def _status(argv: Sequence[str], _given: Any) -> int:
    return service.status(_read_in_part(argv), sys.stdout)


def _restart(argv: Sequence[str], given: Any) -> int:
    # whom a master starts to take its place, by the words that started itself, must not stop it
    if not inheritance.expected():
        runtime.load(_read(argv))  # nobody is stopped for what could not start again
        if code := _stop(argv, given):
            return code
    return _start(argv, given)


def _reload(argv: Sequence[str], _given: Any) -> int:
    options = _read(argv)
    runtime.load(options)
    return service.reload(options, sys.stdout)


def _refusals(argv: Sequence[str], given: Any) -> int:
    texts, faults = _texts(argv)
    options, _ = config.gather(texts)  # who asks need not be able to run
    if faults or options.audit_log is None:
        raise ConfigError(faults or ["option audit-log is required for refusals"])
    try:
        since = refusals.parse_since(given.since, datetime.now().astimezone()) if given.since else None
        refusals.show(options.audit_log, since=since, subject=given.subject, out=sys.stdout)
    except ValueError as error:
        raise ConfigError([str(error)]) from None
    return OK


def _check_config(argv: Sequence[str], _given: Any) -> int:
    texts, faults = _texts(argv)
    options, found = config.gather(texts)
    faults += [*found, *launch.faults(options)]
    try:
        runtime.load(options)
    except ConfigError as error:
        faults += error.faults
    for fault in faults:
        _fail(fault, WRONG_OPTIONS)
    return WRONG_OPTIONS if faults else OK


def _sandbox(_argv: Sequence[str], given: Any) -> int:
    if misplaced := _misplaced(given):
        raise ConfigError(misplaced)
    if given.config is not None and given.config != config.DEFAULT_FILE:
        raise ConfigError(["option config: the sandbox reads no configuration file"])
    return sandbox.advance(vars(given)) if given.advance is not None else sandbox.run(vars(given))


_COMMANDS: dict[str, Callable[[Sequence[str], Any], int]] = {
    "run": _run,
    "sandbox": _sandbox,
    "check-config": _check_config,
    "start": _start,
    "stop": _stop,
    "status": _status,
    "restart": _restart,
    "reload": _reload,
    "refusals": _refusals,
}


def _fail(text: str, code: int) -> int:
    logs.say(f"eppd: {text}", sys.stderr)
    return code
