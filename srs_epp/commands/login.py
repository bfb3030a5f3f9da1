"""``<login>`` (RFC 5730 section 2.9.1.1): one transaction on behalf of who wants to log in.

clID               ->  RegistrarDetailsQry @RegistrarId; its EPPAuth/@Password must be the hash of pw
peer address       ->  AccessControlListQry epp_connect, registrar_ip
certificate names  ->  AccessControlListQry epp_client_certs, registrar_domain: one each, any hit suffices;
                       only where client certificates are required
newPW              ->  then RegistrarUpdate EPPAuth/@Password; the hash that comes back must be newPW's

Whatever failed, the answer is one and the same 2200, no sooner than a second after the command. The log and
the audit log say which. A registrar that has all the sessions that it may have gets 2502.
"""

from __future__ import annotations

import ipaddress
import re
import time
from collections.abc import Sequence

from srs_epp.commands.errors import kind_of
from srs_epp.commands.mapping import Ask, Context, Mapping, handles
from srs_epp.commands.overseer import Refusal
from srs_epp.epp.login import Login
from srs_epp.epp.reader import Command
from srs_epp.epp.results import AuthenticationError, CommandFailed, SessionLimitExceeded
from srs_epp.epp.writer import Response
from srs_epp.srs.actions import AccessControlListQry, Action, RegistrarDetailsQry, RegistrarUpdate
from srs_epp.srs.crypt import verify_password
from srs_epp.srs.errors import SRSError
from srs_epp.srs.results import Result

MOST_CERTIFICATE_NAMES = 8
REFUSAL_DELAY = 1.0  # seconds; a guesser gets no more than one try in each


@handles("login", stalls=True)
def login(command: Command, context: Context) -> Mapping:
    """Check the password, the address and the certificate; 2200 where any of them is wrong."""
    assert command.element is not None
    order = Login.read(command.element)
    if not (order.client_id.isascii() and order.client_id.isdecimal()):
        raise _refused(context, order, Refusal.CLIENT_ID)
    registrar = int(order.client_id)
    try:
        results = yield Ask(_questions(registrar, context), alone=True, registrar=registrar)
        if not _is_about(registrar, results):
            context.log.error(
                "the registry's answer to the login of registrar %r is about another", order.client_id
            )
            raise _refused(context, order, Refusal.PASSWORD)
        if objection := _objection(order.password, results, context):
            raise _refused(context, order, objection)
        if not context.overseer.admit(registrar):
            raise SessionLimitExceeded("this registrar has as many sessions as it may have")
        if order.new_password is not None:
            yield from _change_password(registrar, order.new_password, context.action_id(command))
    except SRSError as error:
        if kind_of(error) is AuthenticationError:
            context.log.warning("the registry on registrar %r: %s", order.client_id, error)
            known = error.error_id != "UNKNOWN_REGISTRAR"
            raise _refused(context, order, Refusal.SIGNATURE if known else Refusal.UNKNOWN) from None
        raise
    return Response(1000)


def _questions(registrar: int, context: Context) -> list[Action]:
    questions: list[Action] = [
        RegistrarDetailsQry(registrar),
        AccessControlListQry(
            resource="epp_connect",
            type="registrar_ip",
            registrar_id=registrar,
            address=_plain_address(context.peer_address),
        ),
    ]
    if context.config.require_client_certificate:
        questions += [
            AccessControlListQry(
                resource="epp_client_certs",
                type="registrar_domain",
                registrar_id=registrar,
                domain_name=name,
            )
            for name in _askable(context.certificate_names)
        ]
    return questions


def _askable(names: Sequence[str]) -> list[str]:
    """Those names of a certificate that mean one name on the registrar's list, and no other.

    In a filter of the registry ``*`` and ``?`` stand for anything, and nothing at all is no filter: a name
    made of such would be on every list.
    """
    askable = [name for name in names if name.strip() and not _WILDCARD.search(name)]
    return askable[:MOST_CERTIFICATE_NAMES]


_WILDCARD = re.compile(r"[*?]")


def _is_about(registrar: int, results: Sequence[Result]) -> bool:
    """Whether the registry has answered this registrar's questions.

    Its signature tells what it has said, not to which question: whoever is between us and it could get in
    with a password of their own, by the answer to a login of their own. One mention will do: registries have
    answered with the ids of several.
    """
    about = {result.originating_registrar_id for result in results}
    about |= {result.registrar.registrar_id for result in results if result.registrar}
    about.discard(None)
    return not about or registrar in about


def _objection(password: str, results: Sequence[Result], context: Context) -> Refusal | None:
    """Why the login fails, None where it does not. The order of the checks is of no use to a guesser."""
    details, addresses, *names = results
    hashed = details.registrar.password_hash if details.registrar else None
    if not hashed or not verify_password(password, hashed):
        return Refusal.PASSWORD
    if not addresses.entries:
        return Refusal.ADDRESS
    if context.config.require_client_certificate and not any(name.entries for name in names):
        return Refusal.CERTIFICATE_NAME
    return None


def _plain_address(address: str) -> str:
    """An IPv4 client of a dual-stack socket as IPv4; an IPv6 zone means nothing to the registry."""
    parsed = ipaddress.ip_address(address.split("%", 1)[0])
    mapped = getattr(parsed, "ipv4_mapped", None)
    return str(mapped or parsed)


def _refused(context: Context, order: Login, why: Refusal) -> AuthenticationError:
    context.log.warning("login of registrar %r refused: %s", order.client_id, why.value)
    context.overseer.login_refused(order.client_id, why)
    context.sleep(max(0.0, context.started + REFUSAL_DELAY - time.monotonic()))
    return AuthenticationError()


def _change_password(registrar: int, password: str, action_id: str) -> Mapping:
    """Set the new password, and see that it is the one that now holds."""
    [changed] = yield Ask(
        [RegistrarUpdate(action_id=action_id, epp_password=password)], alone=True, registrar=registrar
    )
    hashed = changed.registrar.password_hash if changed.registrar else None
    if not hashed or not verify_password(password, hashed):
        raise CommandFailed("the new password was not set")
    return Response(1000)
