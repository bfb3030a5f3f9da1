"""What a person types: ``eppd [options] run``, ``eppd sandbox``, ``eppd check-config``."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

from srs_epp import __version__, config
from srs_epp.config import ConfigError
from srs_epp.daemon import logs, runtime, sockets
from srs_epp.daemon.master import Master
from srs_epp.sandbox import run as sandbox

OK, FAILED, WRONG_OPTIONS = 0, 1, 2

_SANDBOX_OPTIONS = ("data", "registrar", "fresh", "registry_listen", "advance")


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
    except (sockets.CannotListen, sandbox.SandboxError) as error:
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
    parser.add_argument("command", nargs="?", choices=sorted(_COMMANDS), default="run", metavar="COMMAND")
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
    faults += [
        f"option {config.long_name(name)} is for the command sandbox"
        for name in _SANDBOX_OPTIONS
        if getattr(given, name) is not None
    ]
    return vars(given), faults


def _run(argv: Sequence[str], _given: Any) -> int:
    texts, faults = _texts(argv)
    options = config.make_config(texts, faults)
    logs.configure(options.log_level, options.log_format, options.log_target)
    runtime.load(options)  # every worker does it again; here its faults still have somewhere to go
    return Master(options, sockets.listen(options.listen)).run()


def _check_config(argv: Sequence[str], _given: Any) -> int:
    texts, faults = _texts(argv)
    options, found = config.gather(texts)
    faults += found
    try:
        runtime.load(options)
    except ConfigError as error:
        faults += error.faults
    for fault in faults:
        _fail(fault, WRONG_OPTIONS)
    return WRONG_OPTIONS if faults else OK


def _sandbox(_argv: Sequence[str], given: Any) -> int:
    if given.config is not None and given.config != config.DEFAULT_FILE:
        raise ConfigError(["option config: the sandbox reads no configuration file"])
    return sandbox.advance(vars(given)) if given.advance is not None else sandbox.run(vars(given))


_COMMANDS: dict[str, Callable[[Sequence[str], Any], int]] = {
    "run": _run,
    "sandbox": _sandbox,
    "check-config": _check_config,
}


def _fail(text: str, code: int) -> int:
    logs.say(f"eppd: {text}", sys.stderr)
    return code
