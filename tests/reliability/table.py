"""What happened in a run, in numbers, as Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from tests.end_to_end.fault_proxy import QUERY, QUESTION, WRITE
from tests.reliability.faults import MENUS, NO_FAULT
from tests.reliability.records import CLOSED, Run, Told
from tests.reliability.verdict import every

DONE, REFUSED, CLOSING, NO_ANSWER = "done", "refused", "2500", "no answer"
OUTCOMES: Mapping[str, str] = {
    "registry not reachable": "not reachable",
    "the registry did not answer": "did not answer",
    "not done": "not done",
    "outcome unknown": "unknown",
}
OTHER = "2400, other"
COLUMNS = (DONE, REFUSED, *OUTCOMES.values(), OTHER, CLOSING, NO_ANSWER)


def markdown(run: Run) -> str:
    """Three tables: commands by kind and outcome, requests by kind and fault, and what all of it made."""
    return "\n\n".join((commands(run), faults(run), totals(run)))


def outcome(told: Told | None) -> str:
    """The column of an answer. A query that was answered is done."""
    if told is None:
        return NO_ANSWER
    if told.code is None or told.code < 2000:
        return DONE
    if told.code == 2400:
        return OUTCOMES.get(told.text.removeprefix("Command failed: "), OTHER)
    return CLOSING if told.code == 2500 else REFUSED


def commands(run: Run) -> str:
    counts = Counter((sent.order.kind, outcome(sent.told)) for _, sent in every(run.conversations))
    kinds = sorted({kind for kind, _ in counts})
    return _table(("command", *COLUMNS, "all"), kinds, COLUMNS, counts)


def faults(run: Run) -> str:
    counts = Counter((passage.fault, passage.kind) for passage in run.passages)
    names = [NO_FAULT, *MENUS[WRITE]]
    columns = (QUERY, WRITE, QUESTION)
    return _table(("what was done to a request", *columns, "all"), names, columns, counts)


def totals(run: Run) -> str:
    sent = [sent for _, sent in every(run.conversations)]
    trids = Counter(
        (one.registrar, name.order.trid) for one, name in every(run.conversations) if name.order.trid
    )
    written = run.after.actions[len(run.before.actions) :]
    rows: Mapping[str, int] = {
        "connections": len(run.conversations),
        "of these, closed by the server": sum(one.end == CLOSED for one in run.conversations),
        "commands": len(sent),
        "of these, with a clTRID that was used before": sum(count - 1 for count in trids.values()),
        "answers read": sum(one.told is not None for one in sent),
        "lines of commands in the audit log": sum(len(one.rows) for one in run.connections),
        "requests to the registry": len(run.passages),
        "of these, harmed": sum(not one.harmless for one in run.passages),
        "writes that the registry did": sum(action.done for action in written),
        "writes that it refused": sum(not action.done for action in written),
    }
    return "\n".join(("| what | count |", "|---|---|", *(f"| {what} | {n} |" for what, n in rows.items())))


def _table(
    heading: Sequence[str],
    names: Iterable[str],
    columns: Sequence[str],
    counts: Mapping[tuple[str, str], int],
) -> str:
    lines = [f"| {' | '.join(heading)} |", f"|{'---|' * len(heading)}"]
    for name in names:
        values = [counts.get((name, column), 0) for column in columns]
        lines.append(f"| {' | '.join([name, *map(str, [*values, sum(values)])])} |")
    sums = [sum(count for (_, one), count in counts.items() if one == column) for column in columns]
    lines.append(f"| {' | '.join(['all', *map(str, [*sums, sum(sums)])])} |")
    return "\n".join(lines)
