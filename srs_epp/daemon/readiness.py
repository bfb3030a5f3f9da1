"""Whether eppd can do its work: it is not about to end, and the registry answers.

Workers note each answer that they get. Where nobody asks anything, the status process does, so that an eppd
without clients is not taken for one without a registry.
"""

from __future__ import annotations

import logging
import math
import threading
import time

from srs_epp.config import Config, ConfigError
from srs_epp.daemon import runtime
from srs_epp.daemon.table import Table
from srs_epp.srs.actions import RegistrarDetailsQry
from srs_epp.srs.backend import BackendError
from srs_epp.srs.client import Client
from srs_epp.srs.errors import SRSError
from srs_epp.srs.transaction import Transaction

log = logging.getLogger("eppd.status")

TRIES = 3  # in a readiness-window; the last one's answer may still come in time
_LEAST = 0.2  # seconds between two tries, however short the window is
_SOMEBODY = 1  # who asks while no registrar is known: that the registry refuses it is an answer, too


class Readiness:
    """What /readyz says. ``config`` may be replaced at any time."""

    def __init__(self, config: Config, table: Table) -> None:
        self.config = config
        self.draining = False
        self._table = table

    @property
    def silence(self) -> float:
        """Seconds since the registry's last answer to any of our processes."""
        return max(0.0, time.monotonic() - self._table.registry_answered)

    @property
    def fault(self) -> str | None:
        """Why eppd is not ready, in words; None where it is."""
        if self.draining:
            return "draining"
        silence = self.silence
        if silence >= self.config.readiness_window:
            return f"the registry has not answered for {silence:.0f} s"
        return None


class Prober:
    """Asks the registry when it has not answered anybody for a third of the readiness-window.

    It asks for the details of a registrar, in that one's name: a query that changes nothing, and that each
    login asks too. Any answer that bears the registry's signature will do, a refusal as well. One that does
    not come, or can't be believed, is not made up for: the next try has its turn another third later.
    """

    def __init__(self, config: Config, table: Table) -> None:
        self._config = config
        self._table = table
        self._client: tuple[Config, Client] | None = None
        self._well = True
        self._stopped = False
        self._woken = threading.Event()

    def use(self, config: Config) -> None:
        """Ask as this Config says, from now on."""
        self._config = config
        self._woken.set()

    def stop(self) -> None:
        """End ``run``, at the latest when a question under way has its answer or its time is over."""
        self._stopped = True
        self._woken.set()

    def run(self) -> None:
        """Ask when it is time to, until ``stop`` is called."""
        asked = -math.inf
        while not self._stopped:
            left = max(self._table.registry_answered, asked) + self._interval - time.monotonic()
            if left > 0:
                self._woken.wait(left)
                self._woken.clear()
                continue
            asked = time.monotonic()
            try:
                self._ask()
            except Exception:
                log.exception("asking the registry failed in us")
        if self._client is not None:
            self._client[1].close()

    @property
    def _interval(self) -> float:
        return max(_LEAST, self._config.readiness_window / TRIES)

    def _ask(self) -> None:
        registrar = self._table.known_registrar or _SOMEBODY
        question = Transaction(registrar, (RegistrarDetailsQry(registrar),))
        try:
            self._backend().exchange(question, timeout=self._interval)
        except SRSError:
            pass
        except (BackendError, ConfigError) as error:
            if self._well:
                log.warning("the registry can't be asked whether it is there: %s", error)
            self._well = False
            return
        self._table.note_answer()
        if not self._well:
            log.info("the registry answers again")
        self._well = True

    def _backend(self) -> Client:
        """Of the Config that is in force; ConfigError where a file of it can't be used."""
        config = self._config
        if self._client is None or self._client[0] is not config:
            new = runtime.backend(config)
            if self._client is not None:
                self._client[1].close()
            self._client = config, new
        return self._client[1]
