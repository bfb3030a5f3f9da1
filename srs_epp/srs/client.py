"""The way to the registry: a Transaction is signed and POSTed, its signed response checked and read."""

from __future__ import annotations

import logging
import time

from srs_epp.masking import mask
from srs_epp.srs import form
from srs_epp.srs.backend import Unacceptable, Unanswered
from srs_epp.srs.http import Connection, Silence
from srs_epp.srs.openpgp import Keyring, SignatureUnreadable, SignatureWrong, SigningKey
from srs_epp.srs.pool import Pool
from srs_epp.srs.results import ResponseUnreadable, Result
from srs_epp.srs.transaction import Transaction

log = logging.getLogger("eppd.backend")


class Client:
    """Talks SRS over HTTP(S), with a bounded pool of kept connections that any number of threads share."""

    def __init__(
        self,
        url: str,
        *,
        signing_key: SigningKey,
        keyring: Keyring | None,
        timeout: float = 30,
        connections: int = 32,
        max_response: int = 8 * 1024 * 1024,
        ca_file: str | None = None,
        unsigned: bool = False,
    ) -> None:
        """``url``: http:// or https://. ``timeout``: seconds for a whole exchange. ``max_response``: octets.

        ``unsigned``: a response without a signature is taken; a wrong one never is, and without a
        ``keyring`` any is wrong.
        """
        self._keyring = keyring
        self._signing_key = signing_key
        self._timeout = timeout
        self._max_response = max_response
        self._pool = Pool(url, connections, ca_file)
        self._unsigned = unsigned

    def exchange(self, transaction: Transaction, *, timeout: float | None = None) -> list[Result]:
        """Send the transaction and wait for its results; ``timeout``: other seconds than the usual.

        SRSError (``whole``) where the registry refused the request as a whole; NotSent, Unanswered or
        Unacceptable where no usable answer came.
        """
        document = transaction.document()
        body = form.encode(
            {"r": document, "s": self._signing_key.sign(document), "n": str(transaction.registrar_id)}
        )
        deadline = time.monotonic() + (self._timeout if timeout is None else timeout)
        connection = self._pool.take(deadline)
        try:
            answer = self._post(connection, body, deadline, may_repeat=not transaction.writes)
            return self._read(transaction, answer)
        except Unacceptable:
            # perhaps it was the answer to another request, and what comes next is the one to this
            connection.usable = False
            raise
        finally:
            self._pool.give_back(connection)

    def close(self) -> None:
        """Close the idle connections."""
        self._pool.close()

    def _post(self, connection: Connection, body: bytes, deadline: float, *, may_repeat: bool) -> bytes:
        try:
            return connection.post(body, deadline, self._max_response)
        except Silence as silence:
            # a server closes an idle connection whenever it likes; a query does no harm twice
            if not (connection.reused and may_repeat):
                raise Unanswered(str(silence)) from None
            return self._post_afresh(body, deadline)

    def _post_afresh(self, body: bytes, deadline: float) -> bytes:
        with self._pool.fresh_connection(deadline) as connection:
            try:
                return connection.post(body, deadline, self._max_response)
            except Silence as silence:
                raise Unanswered(str(silence)) from None

    def _read(self, transaction: Transaction, body: bytes) -> list[Result]:
        try:
            fields = form.decode(body)
            if "r" not in fields:
                raise form.NotAForm("the field 'r' is missing")
            self._check_signature(fields)
            return transaction.results(fields["r"])
        except (form.NotAForm, SignatureUnreadable, SignatureWrong, ResponseUnreadable) as error:
            log.debug("unacceptable response: %s", mask(body[:65536].decode("utf-8", "replace")))
            raise Unacceptable(str(error)) from None

    def _check_signature(self, fields: dict[str, bytes]) -> None:
        signature = fields.get("s", b"").strip()
        if not signature:
            if not self._unsigned:
                raise SignatureWrong("the response bears no signature")
            return
        if self._keyring is None:
            raise SignatureWrong("the response is signed, but there is no key to check it with")
        self._keyring.verify(fields["r"], signature)
