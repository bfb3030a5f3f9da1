"""Results as the registry would give them, in one line each."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from srs_epp.srs import results, times
from srs_epp.srs.errors import SRSError
from srs_epp.srs.results import (
    AccessControlList,
    AuditDetails,
    Domain,
    Handle,
    Record,
    Registrar,
    Result,
    UDAIValid,
)
from srs_epp.srs.values import Contact, Phone, PostalAddress

IDENTITY = "8,4717426"
REGISTERED = datetime(2019, 3, 5, 9, 7, 2, tzinfo=times.NEW_ZEALAND)
BILLED_UNTIL = datetime(2020, 3, 5, 9, 7, 2, tzinfo=times.NEW_ZEALAND)

_DOMAIN = Domain(
    name="kakapo.co.nz",
    status="Active",
    delegate=True,
    registrar_id=100,
    udai=None,
    servers=(),
    ds=(),
    registrant=None,
    admin=None,
    tech=None,
    registered=REGISTERED,
    billed_until=BILLED_UNTIL,
    cancelled=None,
    locked=None,
    audit=None,
)
_CONTACT = Contact(
    handle_id="moana-1",
    name="Moana Example",
    email="moana@example.net",
    address=PostalAddress("1 Acacia Ave", "Wellington", "NZ"),
    phone=Phone("64", "4", "123456"),
    fax=None,
    privacy=None,
)


def domain(name: str = "kakapo.co.nz", status: str | None = "Active", **changes: object) -> Domain:
    """A whole Domain record of registrar 100's."""
    return replace(_DOMAIN, name=name, status=status, **changes)  # type: ignore[arg-type]


def handle(handle_id: str = "moana-1", **changes: object) -> Handle:
    """A whole Handle record of registrar 100's; changes of its contact."""
    contact = replace(_CONTACT, handle_id=handle_id, **changes)  # type: ignore[arg-type]
    return Handle(registrar_id=100, contact=contact, created=REGISTERED, audit=None)


def audit(moment: datetime | None, registrar_id: int | None = 1) -> AuditDetails:
    """The last change of a record."""
    return AuditDetails(registrar_id, "action-1", moment, "")


def result(*records: Record) -> Result:
    """An answer that holds these."""
    return Result(IDENTITY, REGISTERED, tuple(records))


def registrar(password_hash: str | None, registrar_id: int = 100) -> Result:
    """The answer to RegistrarDetailsQry."""
    return result(Registrar(registrar_id, password_hash))


def entries(count: int = 1) -> Result:
    """The answer to AccessControlListQry."""
    return result(AccessControlList(count))


def udai_valid(valid: bool) -> Result:
    """The answer to UDAIValidQry."""
    return result(UDAIValid(valid))


def refused(error_id: str, description: str = "no", *details: str, **more: str) -> Result:
    """An answer that is an error."""
    return Result(IDENTITY, REGISTERED, error=SRSError(error_id, description, details, **more))  # type: ignore[arg-type]


def captured(name: str) -> list[Result]:
    """The results of a captured response; skips where SRS_REFERENCE names no folder with samples/."""
    folder = os.environ.get("SRS_REFERENCE")
    if not folder:
        pytest.skip("SRS_REFERENCE names no folder with captured responses in samples/")
    return results.parse((Path(folder) / "samples" / f"{name}.xml").read_bytes())
