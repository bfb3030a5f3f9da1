"""One exchange with the registry: parts of several commands go out, an outcome comes back to each.

A write whose outcome is unknown is found out here, before its command hears of anything.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TypeAlias

from srs_epp.commands.mapping import Log
from srs_epp.commands.overseer import Overseer
from srs_epp.config import Config
from srs_epp.session.queues import Part
from srs_epp.srs.actions import Action
from srs_epp.srs.backend import Backend, BackendError, NotSent, Unanswered, untied
from srs_epp.srs.errors import SRSError
from srs_epp.srs.recovery import NotDone, OutcomeUnknown, Recovery, Stored
from srs_epp.srs.results import Result
from srs_epp.srs.transaction import Transaction

Outcome: TypeAlias = Sequence[Result] | SRSError | BackendError

UNDETERMINED = "UNDETERMINED_RESULT"


class Exchange:
    """Sends transactions for one session, and waits for them."""

    def __init__(
        self,
        backend: Backend,
        config: Config,
        overseer: Overseer,
        log: Log,
        sleep: Callable[[float], None],
    ) -> None:
        self._backend = backend
        self._config = config
        self._overseer = overseer
        self._log = log
        self._sleep = sleep

    def run(self, registrar_id: int, parts: Sequence[Part]) -> list[Outcome]:
        """The outcome of each part, in their order. Never raises."""
        started = time.monotonic()
        transaction = Transaction(registrar_id, tuple(action for part in parts for action in part.actions))
        outcome = self._ask(transaction, parts)
        seconds = time.monotonic() - started
        answered = not isinstance(outcome, BackendError)
        self._overseer.exchanged(len(transaction.actions), seconds, answered=answered)
        outcomes = split(parts, outcome)
        if not transaction.writes:
            return outcomes
        doubtful = [_doubtful(part, outcome) for part, outcome in zip(parts, outcomes, strict=True)]
        if not any(doubtful):
            return outcomes
        # it may have waited for a free connection first, and have gone out only a moment ago
        failed = time.monotonic()
        recovery = Recovery(
            self._backend,
            registrar_id,
            sent=failed,
            deadline=failed + self._config.recovery_timeout,
            patience=self._config.backend_timeout,
            registry_timeout=self._config.registry_timeout,
            sleep=self._sleep,
        )
        return [
            self._found_out(recovery, part) if doubt else outcome
            for part, outcome, doubt in zip(parts, outcomes, doubtful, strict=True)
        ]

    def _ask(self, transaction: Transaction, parts: Sequence[Part]) -> Outcome:
        """All results, or what answers for every part."""
        try:
            return self._backend.exchange(transaction)
        except SRSError as error:
            self._log.error("the registry refused a request: %s (svTRID %s)", error, _trids(parts))
            return untied(error)
        except BackendError as failure:
            self._log.error("no usable answer from the registry: %s (svTRID %s)", failure, _trids(parts))
            return untied(failure)
        except Exception:
            self._log.exception("the exchange with the registry failed in us (svTRID %s)", _trids(parts))
            return Unanswered("failed in us")

    def _found_out(self, recovery: Recovery, part: Part) -> Outcome:
        outcome = self._find_out(recovery, part)
        if isinstance(outcome, NotDone):
            self._overseer.recovered("not done")
        else:
            self._overseer.recovered("unknown" if isinstance(outcome, BackendError) else "done")
        return outcome

    def _find_out(self, recovery: Recovery, part: Part) -> Outcome:
        trid = part.inquiry.entry.server_trid
        try:
            found = self._stored_results(recovery, part)
        except (SRSError, BackendError) as error:
            self._log.error("outcome of a write: %s (svTRID %s)", error, trid)
            # NotSent, say, is about a question, not about the write
            known = isinstance(error, (NotDone, OutcomeUnknown))
            return untied(error) if known else OutcomeUnknown(str(error))
        except Exception:
            self._log.exception("finding out an outcome failed in us, svTRID %s", trid)
            return OutcomeUnknown("failed in us")
        self._log.warning("outcome of a write found out, svTRID %s", trid)
        return found

    def _stored_results(self, recovery: Recovery, part: Part) -> list[Result]:
        """The results of the part's actions: of writes as stored, of queries so too, or asked again."""
        stored: dict[str, Stored] = {}
        results: dict[Action, Result] = {}
        for action in part.actions:
            if action.writes:
                stored[action.id] = recovery.stored(action.id)
                results[action] = _own_result(stored[action.id], action)
        for action in part.actions:
            if action not in results:
                seen = (one.result_of(action) for one in stored.values())
                results[action] = next((one for one in seen if one), None) or recovery.ask(action)[0]
        return [results[action] for action in part.actions]


def split(parts: Sequence[Part], srs_rs: Outcome) -> list[Outcome]:
    """The outcome of each part: results are matched by position, an error answers for all."""
    if isinstance(srs_rs, (SRSError, BackendError)):
        return [srs_rs] * len(parts)
    outcomes: list[Outcome] = []
    position = 0
    for part in parts:
        outcomes.append(srs_rs[position : position + len(part.actions)])
        position += len(part.actions)
    return outcomes


def _trids(parts: Sequence[Part]) -> str:
    return ", ".join(part.inquiry.entry.server_trid for part in parts)


def _doubtful(part: Part, outcome: Outcome) -> bool:
    """Whether the part holds a write of which this outcome does not say whether it was done."""
    if not any(action.writes for action in part.actions):
        return False
    if isinstance(outcome, BackendError):
        return not isinstance(outcome, NotSent)
    if isinstance(outcome, SRSError):
        return outcome.error_id == UNDETERMINED
    return any(result.error is not None and result.error.error_id == UNDETERMINED for result in outcome)


def _own_result(stored: Stored, action: Action) -> Result:
    """The stored result of a write, if it is ours: another's ActionId is a clTRID used twice."""
    result = stored.result_of(action)
    if result is None:
        error = SRSError(
            "ACTION_ID_ALREADY_USED", "The ActionId has been used for another request", (action.id,)
        )
        return Result("", None, error=error)
    if result.error is not None and result.error.error_id == UNDETERMINED:
        raise OutcomeUnknown("the registry itself does not know")
    return result
