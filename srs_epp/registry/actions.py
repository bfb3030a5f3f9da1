"""The actions of this registry, in one table: who handles each, and who may ask for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from srs_epp.registry import (
    access_lists,
    action_details,
    domain_create,
    domain_queries,
    domain_update,
    handles,
    messages,
    registrar_actions,
)
from srs_epp.registry.transaction import Handler


class Action(NamedTuple):
    """``roles``: the sender needs one of them. ``rows``: the answer tells the number of its records.

    What ``writes`` has an ActionId, and is done once only. ``announced``: a registrar finds the answer on its
    queue where another has done it for the registrar, or a UDAI was made.
    """

    handler: Handler
    roles: tuple[str, ...]
    rows: bool
    writes: bool
    announced: bool


def _query(handler: Handler, *roles: str, rows: bool = False) -> Action:
    return Action(handler, roles, rows, writes=False, announced=False)


def _write(handler: Handler, *roles: str, rows: bool = False, announced: bool = False) -> Action:
    return Action(handler, roles, rows, writes=True, announced=announced)


ACTIONS: Mapping[str, Action] = {
    "Whois": _query(domain_queries.whois, "Whois"),
    "DomainDetailsQry": _query(domain_queries.details, "Query", rows=True),
    "UDAIValidQry": _query(domain_queries.udai_valid, "Query"),
    "DomainCreate": _write(domain_create.create, "CreateDomain", announced=True),
    "DomainUpdate": _write(domain_update.update, "UpdateDomain", rows=True, announced=True),
    "HandleDetailsQry": _query(handles.details, "Query", rows=True),
    "HandleCreate": _write(handles.create, "UpdateDomain", rows=True, announced=True),
    "HandleUpdate": _write(handles.update, "UpdateDomain", rows=True, announced=True),
    "GetMessages": _query(messages.get, "Query", rows=True),
    "AckMessage": _write(messages.acknowledge, "Query"),
    "ResetMsgQ": _write(messages.reset, "Query", rows=True),
    "ActionDetailsQry": _query(action_details.details, "Query"),
    "RegistrarDetailsQry": _query(registrar_actions.details, "Query", rows=True),
    "RegistrarCreate": _write(registrar_actions.create, "Registry"),
    "RegistrarUpdate": _write(registrar_actions.update, "UpdateRegistrar", announced=True),
    "AccessControlListQry": _query(access_lists.query, "QueryACL", "QueryRegACL", rows=True),
    "AccessControlListAdd": _write(access_lists.add, "UpdateACL", rows=True),
    "AccessControlListRemove": _write(access_lists.remove, "UpdateACL", rows=True),
}
