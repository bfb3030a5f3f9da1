"""One run: a sandbox's registry, the proxy with its faults, eppd with two workers, and the clients."""

from __future__ import annotations

import re
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from srs_epp.sandbox.folder import move_clock
from srs_epp.srs.openpgp import SigningKey
from tests.end_to_end.client import Client, command
from tests.end_to_end.daemon import Daemon
from tests.end_to_end.process import Process, Sandbox
from tests.end_to_end.test_lives import create_contact
from tests.end_to_end.test_recovery import domain_create
from tests.reliability.driver import OWNER, PATIENCE, Common, Registrar, queue_ids
from tests.reliability.faults import RandomProxy
from tests.reliability.records import Run, Times, read_audit, read_register

P = TypeVar("P", bound=Process)

TIMES = Times(backend=1.0, recovery=3.0, registry=2.0)
REGISTRARS = (100, 101, 102)
CLIENTS_EACH = 4
ALONE = 103  # has one client, which changes the password
OLD_EACH = 6
WORKERS = 2


def run(folder: Path, *, seed: int, commands: int) -> Run:
    """Send so many commands, and gather the records once all is over."""
    passwords = {registrar: f"kakapo-{registrar}-night" for registrar in (*REGISTRARS, ALONE)}
    words = [word for number, one in passwords.items() for word in ("--registrar", f"{number}:{one}")]
    with ExitStack() as stack:
        sandbox = stack.enter_context(_ended(Sandbox(folder / "sandbox", *words)))
        common = _populated(sandbox, commands)
        database = sandbox.data / "registry.sqlite"
        before = read_register(database)
        own, another = (SigningKey.from_file(sandbox.data / name) for name in ("registry.key", "proxy.key"))
        proxy = RandomProxy(str(sandbox.facts["registry"]), own, another, seed=seed, times=TIMES)
        with proxy:
            audit = folder / "audit.log"
            eppd = stack.enter_context(_ended(_daemon(folder / "eppd", sandbox, proxy, audit)))
            proxy.armed = True
            clients = _clients(eppd, common, seed)
            troubles = _work(clients)
            troubles += _ended_by_eppd(audit, sum(len(client.conversations) for client in clients))
            if code := eppd.stop():
                troubles.append(f"eppd exited with {code}")
        # the proxy has ended: no request is on its way any more
        troubles += [*_tracebacks("eppd", eppd.log), *_tracebacks("the sandbox", sandbox.log)]
        secrets = {*common.udais.values(), *(secret for client in clients for secret in client.secrets)}
        told = eppd.log + audit.read_text()
        troubles += [f"a log has the secret {secret}" for secret in secrets if secret in told]
        return Run(
            [one for client in clients for one in client.conversations],
            read_audit(audit),
            before,
            read_register(database),
            proxy.passages,
            TIMES,
            troubles,
        )


def _daemon(folder: Path, sandbox: Sandbox, proxy: RandomProxy, audit: Path) -> Daemon:
    return Daemon(
        folder,
        sandbox,
        backend=proxy.url,
        workers=str(WORKERS),
        backend_timeout=str(TIMES.backend),
        recovery_timeout=str(TIMES.recovery),
        registry_timeout=str(TIMES.registry),
        # few enough that sessions have to wait for one
        backend_connections="5",
        audit_log=str(audit),
        # a login may have to be tried again and again
        login_timeout="300",
    )


@contextmanager
def _ended(process: P) -> Iterator[P]:
    try:
        yield process
    finally:
        process.kill_all()


def _populated(sandbox: Sandbox, commands: int) -> Common:
    """A contact for each registrar, and domains that are old enough to change hands, with their UDAIs."""
    common = Common((), commands, {}, {})
    for registrar in (*REGISTRARS, ALONE):
        with Client(sandbox) as client:
            client.log_in(sandbox.registrar(registrar))
            assert client.ask(command(create_contact(OWNER))).code == 1000
            for number in range(OLD_EACH):
                name = f"old-{registrar}-{number}.nz"
                made = client.ask(domain_create(name, OWNER, f"make-{number}"))
                [common.expiries[name]] = made.texts("exDate")
                message = client.ask(command('<poll op="req"/>'))
                [common.udais[name]] = message.texts("pw")
                [queue] = queue_ids(message)
                assert client.ask(command(f'<poll op="ack" msgID="{queue}"/>')).code == 1000
                common.old += (name,)
    move_clock(sandbox.data, timedelta(days=6))
    return common


def _clients(eppd: Daemon, common: Common, seed: int) -> list[Registrar]:
    """The n-th client of each registrar has the same clTRIDs."""
    places = [(registrar, f"c{number}") for number in range(CLIENTS_EACH) for registrar in REGISTRARS]
    clients = [
        Registrar(eppd, registrar, number, label, common, seed)
        for number, (registrar, label) in enumerate(places, 1)
    ]
    return [*clients, Registrar(eppd, ALONE, len(places) + 1, "c0", common, seed, alone=True)]


def _work(clients: list[Registrar]) -> list[str]:
    """What has ended clients that were not at their end."""
    threads = [threading.Thread(target=client.run) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    failures = [client.failure for client in clients if client.failure is not None]
    return ["".join(traceback.format_exception(failure)) for failure in failures]


def _ended_by_eppd(audit: Path, connections: int) -> list[str]:
    """Wait until eppd has done what those have sent that left without waiting for it."""
    deadline = time.monotonic() + PATIENCE
    while (ended := audit.read_text().count('"event": "close"')) < connections:
        if time.monotonic() > deadline:
            return [f"{ended} of {connections} connections have come to an end"]
        time.sleep(0.1)
    return []


def _tracebacks(whose: str, log: str) -> list[str]:
    """Each with the line of the log that it stands under."""
    found = re.findall(r"^.*\nTraceback .*\n(?:[ \t].*\n)*.*", log, re.MULTILINE)
    return [f"{whose}: {one}" for one in found]
