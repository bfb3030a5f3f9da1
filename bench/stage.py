"""Everything that figures measure, and what loads it: started when it is needed, ended at the end."""

from __future__ import annotations

import os
import resource
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bench import answers, floor, proc
from bench.child import BenchFailed, Helper
from bench.commands import PASSWORD, REGISTRAR, Kind
from bench.product import Eppd, write_config
from bench.rehearsal import rehearse, write_script
from bench.samples import EPPD, FLOOR, percentile
from srs_epp.sandbox.folder import Folder

_OPENING = 300.0  # seconds for a generator to open its connections
_ENDING = 60.0  # seconds for it to end after its window


@dataclass(frozen=True, slots=True)
class Target:
    """A server that is loaded: its port, and the processes whose CPU time is counted."""

    subject: str
    port: int
    pids: Sequence[int]


class Stage:
    """Use it as a context manager."""

    def __init__(self, generators: int = 1) -> None:
        """``generators``: how many processes share the load."""
        self._stack = ExitStack()
        self._generator_count = generators
        self._generators: list[Helper] = []
        self._products: dict[tuple[tuple[str, str], ...], Eppd] = {}

    def __enter__(self) -> Self:
        # what is started inherits it; eppd raises its own
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self._stack.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        try:
            self._set_up()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def _set_up(self) -> None:
        self.folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="eppd-bench-")))
        self._keys = self.folder / "keys"
        kept = Folder(self._keys)
        registrars = kept.prepare({REGISTRAR: PASSWORD})
        self.certificate = next(one.certificate for one in registrars if one.id == REGISTRAR)
        answers.prepare(kept)
        self._stub = self._helper("bench.stub")
        self._stub_port = self._stub.hear()["port"]
        script = rehearse(self.eppd().port, self._keys)
        write_script(self._keys / floor.SCRIPT, script, ("127.0.0.1", self._stub_port))
        floor_process = self._helper("bench.floor")
        ports = floor_process.hear()
        self.floor = Target(FLOOR, ports["port"], [floor_process.pid])
        self.asking_floor = Target(FLOOR, ports["asking"], [floor_process.pid])
        for number in range(self._generator_count):
            generator = Helper("bench.load", log=self.folder / f"load-{number}.log")
            self._stack.callback(generator.close)
            self._generators.append(generator)

    def _helper(self, module: str) -> Helper:
        helper = Helper(module, str(self._keys), log=self.folder / f"{module}.log")
        self._stack.callback(helper.close)
        return helper

    # -- servers

    def eppd(self, **options: str) -> Target:
        """eppd with these options besides the usual (names with _); the same one when asked again.

        ``delay``: milliseconds that its registry takes over each answer.
        """
        key = tuple(sorted(options.items()))
        if key not in self._products:
            product = self._start(options)
            self._stack.callback(product.close)
            self._products[key] = product
        product = self._products[key]
        return Target(EPPD, product.port, product.pids)

    def asking_eppd(self) -> Target:
        """eppd that asks for a client certificate."""
        return self.eppd(tls_client_ca=str(self._keys / "ca.pem"))

    @contextmanager
    def fresh_eppd(self) -> Iterator[Eppd]:
        """A new eppd, which ends with the block."""
        product = self._start({})
        try:
            yield product
        finally:
            product.close()

    @contextmanager
    def sandbox(self) -> Iterator[Eppd]:
        """``eppd sandbox`` in a folder that it has to make; ends with the block."""
        with tempfile.TemporaryDirectory(dir=self.folder) as data:
            product = Eppd(self.folder, ["sandbox", "--data", f"{data}/new", "--listen", "127.0.0.1:0"])
            try:
                yield product
            finally:
                product.close()

    def _start(self, options: Mapping[str, str]) -> Eppd:
        texts = {name.replace("_", "-"): value for name, value in options.items()}
        backend = f"http://127.0.0.1:{self._stub_port}/{texts.pop('delay', '')}"
        path = self.folder / "eppd.conf"
        write_config(path, self._keys, backend, texts)
        return Eppd(self.folder, ["--config", str(path), "run"])

    # -- load

    def closed(
        self,
        target: Target,
        mix: Sequence[Kind],
        *,
        connections: int,
        depth: int,
        warm: float,
        seconds: float,
        apart: bool = False,
    ) -> dict[str, float]:
        """The values of a closed loop: each connection keeps ``depth`` commands outstanding.

        ``apart``: each of them is written on its own.
        """
        job = {"do": "closed", "depth": depth, "apart": apart, "mix": [kind.name for kind in mix]}
        return self._measure(target, job, connections, warm, seconds)

    def paced(
        self,
        target: Target,
        mix: Sequence[Kind],
        *,
        connections: int,
        rate: float,
        warm: float,
        seconds: float,
    ) -> dict[str, float]:
        """The values of an open loop: ``rate`` commands a second in all, whatever comes back."""
        generators = len(self._shares(connections))
        job = {"do": "paced", "rate": rate / generators, "mix": [kind.name for kind in mix]}
        return self._measure(target, job, connections, warm, seconds)

    def greetings(
        self, target: Target, *, threads: int, certificate: bool, resume: bool, warm: float, seconds: float
    ) -> dict[str, float]:
        """The values of new connections, each closed after its greeting."""
        job = {
            "do": "greetings",
            "certificate": str(self.certificate) if certificate else None,
            "resume": resume,
        }
        return self._measure(target, job, threads, warm, seconds)

    @contextmanager
    def holding(self, target: Target, connections: int) -> Iterator[None]:
        """Hold so many idle sessions within the block."""
        with self._another_generator() as generator:
            generator.tell({"do": "hold", "port": target.port, "connections": connections})
            generator.hear(_OPENING)
            yield
            generator.tell({})
            generator.hear(_ENDING)

    @contextmanager
    def loaded(self, target: Target, kind: Kind, connections: int, seconds: float) -> Iterator[None]:
        """Load the server within the block, with one command a connection at a time; for ``seconds``."""
        with self._another_generator() as generator:
            job = {"do": "closed", "depth": 1, "apart": False, "mix": [kind.name]}
            generator.tell({**job, "port": target.port, "connections": connections})
            generator.hear(_OPENING)
            now = time.monotonic()
            generator.tell({"begin": now, "end": now + seconds})
            yield
            generator.hear(seconds + _ENDING)

    @contextmanager
    def _another_generator(self) -> Iterator[Helper]:
        generator = Helper("bench.load", log=self.folder / "load-beside.log")
        try:
            yield generator
        finally:
            generator.close()

    def _shares(self, connections: int) -> list[int]:
        """Connections of each generator that has any."""
        count = self._generator_count
        shares = [connections // count + (number < connections % count) for number in range(count)]
        return [share for share in shares if share]

    def _measure(
        self, target: Target, job: dict[str, Any], connections: int, warm: float, seconds: float
    ) -> dict[str, float]:
        # on a machine that others keep busy a short window may see nothing at all
        for window in (seconds, seconds * 4, seconds * 16):
            values = self._measure_once(target, job, connections, warm, window)
            if values is not None:
                return values
        raise BenchFailed(f"no answer within {seconds * 16:.1f} seconds")

    def _measure_once(
        self, target: Target, job: dict[str, Any], connections: int, warm: float, seconds: float
    ) -> dict[str, float] | None:
        loading = list(zip(self._generators, self._shares(connections), strict=False))
        for generator, share in loading:
            generator.tell({**job, "port": target.port, "connections": share})
        for generator, _ in loading:
            generator.hear(_OPENING)
        begin = time.monotonic() + warm
        for generator, _ in loading:
            generator.tell({"begin": begin, "end": begin + seconds})
        busy = _Busy(target, self._stub.pid)
        time.sleep(max(0.0, begin - time.monotonic()))
        busy.look()
        time.sleep(max(0.0, begin + seconds - time.monotonic()))
        busy.look()
        found = [generator.hear(_ENDING) for generator, _ in loading]
        for product in self._products.values():
            product.forget_log()
        return _values(found, busy, seconds)


class _Busy:
    """CPU time between two moments: of the server, of the stub, of everything on this machine."""

    def __init__(self, target: Target, stub: int) -> None:
        self._server, self._stub = target.pids, [stub]
        self._at: list[tuple[float, ...]] = []

    def look(self) -> None:
        """One of the two moments is now."""
        server, stub = proc.cpu_seconds(self._server), proc.cpu_seconds(self._stub)
        self._at.append((time.monotonic(), server, stub, proc.all_busy_seconds()))

    @property
    def shares(self) -> tuple[float, float, float]:
        """CPU seconds a second: of the server, of the stub, of everything."""
        seconds, server, stub, everything = (then - before for before, then in zip(*self._at, strict=True))
        return server / seconds, stub / seconds, everything / seconds


def _values(found: Sequence[Mapping[str, Any]], busy: _Busy, seconds: float) -> dict[str, float] | None:
    """What a window has shown; None where no answer came in it."""
    wrong = sum(one["wrong"] for one in found)
    if wrong:
        raise BenchFailed(f"{wrong} answers were not the right ones")
    latencies = sorted(latency / 1000 for one in found for latency in one["latencies"])
    if not latencies:
        return None
    server, stub, everything = busy.shares
    generators = [one["cpu"] / seconds for one in found]
    return {
        "rate": len(latencies) / seconds,
        "cpu": server * seconds / len(latencies) * 1e6,
        "p50": percentile(latencies, 0.5),
        "p95": percentile(latencies, 0.95),
        "p99": percentile(latencies, 0.99),
        "longest": latencies[-1],
        "server": server,
        "generator": max(generators),
        "registry": stub,
        "others": max(0.0, everything - server - stub - sum(generators)),
    }


def most_sessions(wanted: int) -> int:
    """``wanted`` idle sessions, or as many as one process may have files open."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    spare = 512
    return wanted if hard == resource.RLIM_INFINITY else min(wanted, hard - spare)


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0))
