"""The registry without its HTTP server: bodies of requests in, bodies of answers out."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from srs_epp.registry import access_lists, bootstrap, clock, envelope, jobs, ledger, registrars
from srs_epp.registry.access_lists import Entry
from srs_epp.registry.actions import ACTIONS
from srs_epp.registry.clock import Clock
from srs_epp.registry.dispatch import Desk
from srs_epp.registry.names import DEFAULT_ZONES, Zones
from srs_epp.registry.refusals import refusal
from srs_epp.registry.registrars import REGISTRY
from srs_epp.registry.rules import Rules
from srs_epp.registry.store import Store
from srs_epp.registry.transaction import Transaction
from srs_epp.srs.errors import SRSError
from srs_epp.srs.openpgp import SigningKey
from srs_epp.srs.values import Element, attribute

_LOG = logging.getLogger("eppd.registry")

_NUMBERS_AT_ONCE = (
    1000  # FeSeqs that a process takes at a time; those that it has not used at its end are lost
)


class Registry:
    """A registry over one database. Its methods may be called from any thread."""

    def __init__(self, path: Path, *, signing_key: SigningKey, zones: Sequence[str] = DEFAULT_ZONES) -> None:
        """Opens the database at ``path``, or creates it. ``signing_key``: signs the answers.

        OSError or sqlite3.Error where that fails; ValueError where a zone is no domain name.
        """
        self._rules = Rules(Zones(zones))
        self._key = signing_key
        self._store = Store(path)
        self._numbers = _Numbers(self._store)
        with self._store.reading() as database:
            new = bootstrap.is_new(database)
        if new:
            with self._store.writing() as database:
                bootstrap.found(database)
        self.clock = Clock(self._store)

    def answer(self, body: bytes, content_type: str) -> bytes:
        """The signed answer, a form, to the body of a POST; ``content_type``: its Content-Type as received.

        Never raises for what was sent: a request that can't be served gets an answer that says so.
        """
        reply = envelope.Reply()
        try:
            return self._served(body, content_type, reply)
        except SRSError as error:
            _LOG.info("request refused: %s", error.error_id)
            return self._refused(reply, error)
        except sqlite3.OperationalError as error:
            _LOG.error("request not served: %s", error)
            busy = error.sqlite_errorname.startswith("SQLITE_BUSY")
            return self._refused(
                reply, refusal("LOCK_ERROR", "database") if busy else refusal("INTERNAL_ERROR")
            )
        except Exception:
            _LOG.exception("request not served")
            return self._refused(reply, refusal("INTERNAL_ERROR"))

    def answer_too_long(self, size: int) -> bytes:
        """The answer to a body of ``size`` octets, which is too long to be read."""
        return self._refused(envelope.Reply(), envelope.too_long(size))

    def add_registrar(
        self,
        registrar_id: int,
        *,
        name: str,
        password: str,
        keys: Sequence[str],
        roles: Iterable[str] | None = None,
    ) -> None:
        """Create a registrar, or give an existing one this name, password, keys and roles.

        ``password``: in clear, or a ``$5$`` or ``$6$`` hash. ``keys``: armoured certificates, any of which
        may sign. ``roles``: where none are given, all for the registry (1) and a registrar's usual ones else.
        SRSError INVALID_PASSWORD, PUBLIC_KEY_INVALID, INVALID_FIELD (a role that does not exist).
        """
        if roles is None:
            roles = registrars.ALL_ROLES if registrar_id == REGISTRY else registrars.USUAL_ROLES
        with self._store.writing() as database:
            bootstrap.put_registrar(registrar_id, name, password, keys, frozenset(roles), database)

    def allow_address(self, registrar_id: int, network: str) -> None:
        """Let the registrar connect from an address or network (``192.0.2.0/24``), IPv4 or IPv6.

        SRSError INVALID_ADDRESS.
        """
        entry = Entry("registrar_ip", access_lists.spelt(network), None, registrar_id)
        self._allow("epp_connect", entry)

    def allow_certificate(self, registrar_id: int, domain_name: str) -> None:
        """Let the registrar connect with a client certificate for that name."""
        entry = Entry("registrar_domain", None, domain_name.lower(), registrar_id)
        self._allow("epp_client_certs", entry)

    def release(self) -> None:
        """Give back what the calling thread holds, which has done its work."""
        self._store.release()

    def close(self) -> None:
        """Close the database; no thread may be at work any more."""
        self._store.close()

    def _allow(self, resource: str, entry: Entry) -> None:
        with self._store.writing() as database:
            seconds = int(clock.moment(database).timestamp())
            access_lists.insert(resource, "whitelist", entry, seconds, database)

    def _refused(self, reply: envelope.Reply, error: SRSError) -> bytes:
        body, _ = envelope.signed(reply.refused(error), self._key)
        return body

    def _served(self, body: bytes, content_type: str, reply: envelope.Reply) -> bytes:
        """SRSError where the request fails as a whole."""
        posted = envelope.open_form(body, content_type)
        sender = self._verified(posted)
        root = envelope.parse(posted.xml)
        reply.follow(root)
        envelope.check(root)
        effective = self._effective(root, sender)
        fe_seq = self._numbers.next()
        if not any(ACTIONS[str(action.tag)].writes for action in root):
            xml = self._read_only(root, sender, effective, fe_seq, reply)
            if xml is not None:
                return envelope.signed(xml, self._key)[0]
        # one transaction for the whole request: with what it did goes the answer that says so
        with self._store.writing() as database:
            transaction = self._transaction(sender, database)
            desk = Desk(transaction, fe_seq, effective)
            responses = []
            for action in root:
                jobs.run(transaction)  # an action can restore a domain that is due for renewal
                responses.append(desk.answer(action))
            xml = reply.document(responses)
            answer, signature = envelope.signed(xml, self._key)
            if ledger.is_needed(fe_seq, database):
                request = posted.xml, posted.signature
                seconds = transaction.seconds
                ledger.keep_request(fe_seq, sender, seconds, request, (xml, signature), database)
        return answer

    def _read_only(
        self, root: Element, sender: int, effective: int, fe_seq: int, reply: envelope.Reply
    ) -> bytes | None:
        """The response to queries; None where jobs are due, which have to write first."""
        with self._store.reading() as database:
            transaction = self._transaction(sender, database)
            if jobs.are_due(transaction):
                return None
            desk = Desk(transaction, fe_seq, effective)
            return reply.document([desk.answer(action) for action in root])

    def _transaction(self, sender: int, database: sqlite3.Connection) -> Transaction:
        roles = registrars.roles(sender, database)
        return Transaction(database, clock.moment(database), sender, roles, self._rules)

    def _verified(self, posted: envelope.Posted) -> int:
        """The registrar that signed."""
        text = posted.registrar_id
        with self._store.reading() as database:
            if not _is_id(text) or registrars.find(int(text), database) is None:
                raise refusal("UNKNOWN_REGISTRAR", text)
            keys = registrars.keys(int(text), database)
        envelope.check_signature(posted, keys)
        return int(text)

    def _effective(self, root: Element, sender: int) -> int:
        """The registrar on whose behalf the actions run."""
        given = attribute(root, "RegistrarId")
        if given is None or (_is_id(given) and int(given) == sender):
            return sender
        if sender != REGISTRY:
            raise refusal("INVALID_EFFECTIVE_REGISTRAR")
        with self._store.reading() as database:
            if not _is_id(given) or registrars.find(int(given), database) is None:
                raise refusal("EFFECTIVE_REGISTRAR_DOES_NOT_EXIST", given)
        return int(given)


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 9


class _Numbers:
    """FeSeqs: they grow from request to request, also past a restart."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._guard = threading.Lock()
        self._left: Iterator[int] = iter(())

    def next(self) -> int:
        """The next number; must not be asked for within a transaction."""
        with self._guard:
            number = next(self._left, None)
            if number is None:
                self._left = iter(self._reserved())
                number = next(self._left)
            return number

    def _reserved(self) -> range:
        with self._store.writing() as database:
            [(last,)] = database.execute(
                "UPDATE settings SET value = value + ? WHERE name = 'fe_seq' RETURNING value",
                (_NUMBERS_AT_ONCE,),
            )
        return range(last - _NUMBERS_AT_ONCE + 1, last + 1)
