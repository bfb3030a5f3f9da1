"""ActionDetailsQry: a write as it was asked for and answered, whole and signed."""

from __future__ import annotations

from srs_epp.registry import ledger, records, registrars
from srs_epp.registry.elements import make
from srs_epp.registry.escaping import escaped
from srs_epp.registry.fields import whole_number
from srs_epp.registry.transaction import Answer, Transaction
from srs_epp.srs.values import Element, attribute


def details(query: Element, registrar_id: int, transaction: Transaction) -> Answer:
    """The effective registrar's own writes; the registry sees those of others too.

    There are no records where there is no such write.
    """
    wanted = attribute(query, "OriginatingRegistrarId")
    originator = whole_number(wanted, "OriginatingRegistrarId") if wanted is not None else registrar_id
    database = transaction.database
    if originator != registrar_id and "Registry" not in registrars.roles(registrar_id, database):
        return Answer()
    kept = ledger.find_request(originator, query.get("ActionId", ""), database)
    if kept is None:
        return Answer()
    request, response = kept
    return Answer([_raw("RawRequest", *request), _raw("RawResponse", *response)])


def _raw(tag: str, xml: bytes, signature: bytes) -> Element:
    element = make(tag)
    records.append_text(element, "XML", escaped(xml).decode("ascii"))
    records.append_text(element, "Signature", signature.decode("utf-8", "replace"))
    return element
