"""The records of a run compared: whatever does not fit is a line of text."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum
from itertools import zip_longest
from typing import TypeAlias, TypeVar

from srs_epp.srs.crypt import verify_password
from tests.end_to_end.fault_proxy import UNDETERMINED
from tests.reliability.model import Model
from tests.reliability.records import (
    CLOSED,
    Action,
    Connection,
    Conversation,
    Message,
    Order,
    Passage,
    Row,
    Run,
    Sent,
    Told,
    Wish,
)

K = TypeVar("K")
V = TypeVar("V")

DONE = (1000, 1001)
UNKNOWN = "outcome unknown"
FAILURES = {  # what may follow "Command failed", where the registry's words do not
    "registry not reachable",
    "the registry did not answer",
    "not done",
    UNKNOWN,
    "the new password was not set",
    "the registry failed",
    "another session is changing this domain",
}
CLOSING_FAILURES = {
    "Command failed; server closing connection: the registry's answer can't be used",
    UNDETERMINED,  # the registry's words
}
CODES: Mapping[str, set[int | None]] = {
    "hello": {None},
    "login": {1000, 2200, 2501},
    "logout": {1500},
    "check domain": {1000},
    "check contact": {1000},
    "info domain": {1000, 2201, 2303},
    "info contact": {1000, 2303},
    "create domain": {1000, 2302, 2306},
    "create contact": {1000, 2302, 2306},
    "update domain": {1000, 2002, 2201, 2303, 2304, 2306},
    "renew domain": {1000, 2201, 2303, 2304, 2306},
    "delete domain": {1000, 1001, 2201, 2303, 2304, 2306, 2308},
    "transfer domain": {1000, 2106, 2202, 2303, 2304, 2306},
    "update contact": {1000, 2303, 2306},
    "delete contact": {1000, 2303, 2305, 2306},
    "poll": {1000, 1300, 1301, 2303, 2306},
}
"""What each kind of command may be answered, beside 2400 and 2500."""


class Fate(Enum):
    """What a client knows of a write."""

    DONE = "done"
    NOT_DONE = "not done"
    OPEN = "unknown"


def violations(run: Run) -> list[str]:
    """Everything that breaks a promise."""
    return [
        *run.troubles,
        *told_rightly(run),
        *audited(run),
        *done_once(run),
        *as_modelled(run),
        *unknown_for_a_reason(run),
    ]


# -- answers


def told_rightly(run: Run) -> Iterator[str]:
    """Each answer belongs to its command, and says what such an answer may say."""
    server_trids: Counter[str] = Counter()
    known = {
        (message.recipient, f"{message.originator:04}{message.trans_id}") for message in run.after.messages
    }
    for conversation, sent in every(run.conversations):
        order, told = sent.order, sent.told
        if told is None:
            continue
        where = described(conversation, order)
        if told.server_trid is not None:
            server_trids[told.server_trid] += 1
        if told.client_trid != order.trid:
            yield f"{where}: answered with clTRID {told.client_trid}"
        if told.code is not None and told.code < 2000 and order.names not in (None, told.about):
            yield f"{where}: the answer is about {told.about}"
        if told.message is not None and (conversation.registrar, told.message) not in known:
            yield f"{where}: was shown message {told.message} of another"
        if not _may_be(order, told):
            yield f"{where}: answered {told.code} {told.text}"
    for server_trid, count in server_trids.items():
        if count > 1:
            yield f"svTRID {server_trid} was given {count} times"
    for conversation in run.conversations:
        answered = [sent.told is not None for sent in conversation.sent]
        if answered != sorted(answered, reverse=True):
            yield f"registrar {conversation.registrar}: an answer is missing before another"


def _may_be(order: Order, told: Told) -> bool:
    if told.code == 2400:
        return told.text.removeprefix("Command failed: ") in FAILURES
    if told.code == 2500:
        return told.text in CLOSING_FAILURES
    return told.code in CODES[order.kind]


# -- the audit log


def audited(run: Run) -> Iterator[str]:
    """Each answer has one line, with the same content, in the connection on which it came, in its place."""
    for conversation, connection in paired(run):
        if conversation is None:
            yield f"a connection of {connection and connection.peer} is not in the clients' records"
            continue
        if connection is None:
            yield f"a connection of {conversation.source} is not in the audit log"
            continue
        for sent, row in zip_longest(conversation.sent, connection.rows):
            if sent is None:
                yield f"{connection.peer}: the audit log has an answer to no command: {row}"
            elif row is None:
                if sent.told is not None:
                    yield f"{described(conversation, sent.order)}: the answer is not in the audit log"
            elif not _same(sent, row, conversation):
                yield f"{described(conversation, sent.order)}: {sent.told}, but the audit log has {row}"
        last = connection.rows[-1].code if connection.rows else None
        if conversation.end == CLOSED and not closes(last):
            yield f"{connection.peer}: the server closed after {last}"


def _same(sent: Sent, row: Row, conversation: Conversation) -> bool:
    order, told = sent.order, sent.told
    same = row.verb == order.verb and row.object == order.object and row.client_trid == order.trid
    if row.registrar is not None:
        same = same and row.registrar == str(conversation.registrar)
    if told is not None:
        same = same and row.code == told.code
        if told.server_trid is not None:
            same = same and row.server_trid == told.server_trid
    return same


def closes(code: int | None) -> bool:
    """Whether a connection ends with such an answer."""
    return code == 1500 or (code is not None and code >= 2500)


def paired(run: Run) -> Iterator[tuple[Conversation | None, Connection | None]]:
    """Each conversation with its connection in the audit log: an address has one at a time."""
    ours: dict[str, list[Conversation]] = defaultdict(list)
    theirs: dict[str, list[Connection]] = defaultdict(list)
    for conversation in run.conversations:
        ours[conversation.source].append(conversation)
    for connection in run.connections:
        theirs[connection.peer].append(connection)
    for source in ours.keys() | theirs.keys():
        yield from zip_longest(ours[source], theirs[source])


# -- writes


def done_once(run: Run) -> Iterator[str]:
    """What was told to be done was done, once; what was not, was not; and nothing that nobody asked for."""
    stored: dict[tuple[int, str], Action] = {}
    for action in run.after.actions[len(run.before.actions) :]:
        if (action.registrar, action.id) in stored:
            yield f"registrar {action.registrar}: {action.id} was done twice"
        stored[action.registrar, action.id] = action
    groups, nameless = _asked(run)
    attempts = Counter((one.registrar, trid) for one in run.passages for trid in one.writes)
    for (registrar, trid), members in groups.items():
        found = stored.pop((registrar, trid), None)
        yield from _judged(registrar, trid, members, found, run)
        if attempts[registrar, trid] > len(members):
            yield f"registrar {registrar}: {trid} was sent to the registry {attempts[registrar, trid]} times"
    for (registrar, trid), action in stored.items():
        # it had no clTRID, and its answer is lost: what it asked for tells whose it is
        claims = [
            wanted for wanted in nameless if wanted[0] == registrar and wanted[1].is_met_by(action.element)
        ]
        if claims:
            nameless.remove(claims[0])
        elif action.done:
            yield f"registrar {registrar}: nobody has asked for {trid}, {_shown(action)}"
        if attempts[registrar, trid] > 1:
            yield f"registrar {registrar}: {trid} was sent to the registry {attempts[registrar, trid]} times"


Member: TypeAlias = tuple[Order, Fate, Told | None]


def _asked(run: Run) -> tuple[dict[tuple[int, str], list[Member]], list[tuple[int, Wish]]]:
    """The writes by their ActionId, with what clients know of them; and those without one that is known."""
    groups: dict[tuple[int, str], list[Member]] = defaultdict(list)
    nameless = []
    for conversation, connection in paired(run):
        if conversation is None:
            continue
        rows = connection.rows if connection is not None else []
        for sent, row in zip_longest(conversation.sent, rows[: len(conversation.sent)]):
            order = sent.order
            if order.wish is None:
                continue
            fate = fate_of(sent, row, conversation, rows)
            action_id = order.trid or (row and row.server_trid) or (sent.told and sent.told.server_trid)
            if action_id:
                groups[conversation.registrar, action_id].append((order, fate, sent.told))
            elif fate is Fate.OPEN:
                nameless.append((conversation.registrar, order.wish))
    return groups, nameless


def fate_of(sent: Sent, row: Row | None, conversation: Conversation, rows: Sequence[Row]) -> Fate:
    """By the answer; by the audit log where the answer was not read."""
    code, text = (sent.told.code, sent.told.text) if sent.told else (row and row.code, "")
    if code in DONE:
        return Fate.DONE
    if UNKNOWN in text or (sent.told is None and code == 2400):
        return Fate.OPEN
    if code is not None:
        return Fate.NOT_DONE
    # nothing that was not sent to the registry by then is started after an answer that closes
    ended = conversation.end == CLOSED and rows and closes(rows[-1].code)
    return Fate.NOT_DONE if ended else Fate.OPEN


def _judged(
    registrar: int, trid: str, members: Sequence[Member], found: Action | None, run: Run
) -> Iterator[str]:
    done = found is not None and found.done
    fitting = [
        fate
        for order, fate, _ in members
        if found is not None and order.wish is not None and order.wish.is_met_by(found.element)
    ]
    excused = _too_slow(registrar, trid, run) or not {Fate.DONE, Fate.OPEN}.isdisjoint(fitting)
    for order, fate, told in members:
        assert order.wish is not None
        what = f"registrar {registrar}: {order.kind} {trid}"
        met = done and found is not None and order.wish.is_met_by(found.element)
        if fate is Fate.DONE and not met:
            yield f"{what} was told to be done, and is not: {_shown(found)}"
        if fate is Fate.NOT_DONE and met and not excused:
            yield f"{what} was told {told.text if told else 'nothing'!r}, and is done"
    if done and not fitting:
        yield f"registrar {registrar}: {trid} is {_shown(found)}, which nobody has asked for"


def _too_slow(registrar: int, trid: str, run: Run) -> bool:
    """Whether the registry itself took longer than it is said to take at most."""
    return any(
        one.registrar == registrar
        and trid in one.writes
        and one.reached is not None
        and one.reached - one.at > run.times.registry
        for one in run.passages
    )


def _shown(action: Action | None) -> str:
    if action is None:
        return "unknown to the registry"
    attributes = {name: value for name, value in action.element.items() if name not in ("UDAI", "Password")}
    return f"{action.element.tag} {attributes}, {'done' if action.done else 'refused'}"


# -- what there is in the end


def as_modelled(run: Run) -> Iterator[str]:
    """The registry has what its actions make, no more and no less."""
    yield from run.after.faults
    began = len(run.before.actions)
    try:
        model = Model.of(run.before, [action for action in run.after.actions[began:] if action.done])
    except (KeyError, AttributeError) as error:
        yield f"the registry's actions make no sense: {error!r}"
        return
    yield from _differing("domain", model.domains, run.after.domains)
    made = set(_contacts_made(run))
    # a transfer makes handles too, with names of the registry's own
    contacts = {
        key: email for key, email in run.after.contacts.items() if key in model.contacts or key in made
    }
    yield from _differing("contact", model.contacts, contacts)
    yield from _differing("messages", model.messages, _counted(run.after.messages))
    taken = [message for message in run.after.messages if message.acknowledged]
    yield from _differing("acknowledged messages", +model.acknowledged, _counted(taken))
    for registrar, password in model.passwords.items():
        if not verify_password(password, run.after.passwords[registrar]):
            yield f"registrar {registrar}: the password is not the one that was set last"


def _contacts_made(run: Run) -> Iterator[tuple[int, str]]:
    for conversation, sent in every(run.conversations):
        wish = sent.order.wish
        if wish is not None and wish.tag == "HandleCreate":
            yield conversation.registrar, wish.subject


def _counted(messages: Iterable[Message]) -> Counter[tuple[int, int, str]]:
    return Counter((one.recipient, one.originator, one.trans_id) for one in messages)


def _differing(what: str, expected: Mapping[K, V], found: Mapping[K, V]) -> Iterator[str]:
    for key in expected.keys() | found.keys():
        if expected.get(key) != found.get(key):
            yield f"{what} {key}: {found.get(key)} in the registry, {expected.get(key)} by its actions"


# -- outcomes that could not be found out


def unknown_for_a_reason(run: Run) -> Iterator[str]:
    """'outcome unknown' is told only where the registry said nothing of it until the time was over."""
    questions: dict[tuple[int, str], list[Passage]] = defaultdict(list)
    for passage in run.passages:
        for trid in passage.questions:
            questions[passage.registrar, trid].append(passage)
    times_sent = Counter((one.registrar, sent.order.trid) for one, sent in every(run.conversations))
    for conversation, sent in every(run.conversations):
        if sent.told is None or UNKNOWN not in sent.told.text:
            continue
        # the session of one that was sent before may still be asking, and its questions look the same
        ours_alone = sent.order.trid is None or times_sent[conversation.registrar, sent.order.trid] == 1
        where, trid = described(conversation, sent.order), sent.order.trid or sent.told.server_trid or ""
        about = questions[conversation.registrar, trid]
        asked = [one for one in about if sent.at <= one.at <= sent.told.at]
        if sent.told.at - sent.at < run.times.recovery:
            yield f"{where}: told {UNKNOWN} after {sent.told.at - sent.at:.2f} s"
        if any(one.knows and one.told(run.times) for one in asked):
            yield f"{where}: told {UNKNOWN}, though the registry had told the outcome"
        elif ours_alone and asked and asked[-1].told(run.times) and _was_final(asked[-1], trid, sent, run):
            yield f"{where}: told {UNKNOWN}, though the registry had said in the end that it does not know it"


def _was_final(question: Passage, trid: str, sent: Sent, run: Run) -> bool:
    """Whether it was the last one, and the registry can't have been at work on the write any more.

    One that comes later may find no registry to connect to, and passes nobody here.
    """
    assert sent.told is not None
    written = [
        one.at
        for one in run.passages
        if one.registrar == question.registrar and trid in one.writes and one.at < question.at
    ]
    over = bool(written) and question.at - written[-1] > run.times.registry + run.times.backend
    return over and question.at > sent.told.at - run.times.backend / 10


def every(conversations: Iterable[Conversation]) -> Iterator[tuple[Conversation, Sent]]:
    for conversation in conversations:
        for sent in conversation.sent:
            yield conversation, sent


def described(conversation: Conversation, order: Order) -> str:
    return f"registrar {conversation.registrar} ({conversation.source}), {order.kind} {order.trid}"
