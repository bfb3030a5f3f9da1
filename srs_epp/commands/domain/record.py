"""A Domain record of the SRS as EPP's infData: for info, and for messages about domains."""

from __future__ import annotations

import logging

from srs_epp.commands import nameservers
from srs_epp.commands.identifiers import DOMAIN_SUFFIX, ID_LENGTH, NAME_LENGTH, roid
from srs_epp.commands.mapping import Context, registrar_name
from srs_epp.epp.domain import ContactReference, InfoData
from srs_epp.epp.results import CommandFailed
from srs_epp.srs.results import PENDING_RELEASE, Domain

log = logging.getLogger("eppd.mapping")


def shown_name(domain: Domain) -> str:
    """The domain's name; 2400 where the record has none that EPP can carry."""
    if len(domain.name) not in NAME_LENGTH:
        raise CommandFailed("the registry's answer does not name the domain")
    return domain.name


def info_data(
    domain: Domain, context: Context, statuses: tuple[str, ...], *, with_servers: bool = True
) -> InfoData:
    """What the record has, in EPP's terms; the sponsor is the record's, else the session's registrar."""
    audit = domain.audit
    changed = audit.effective_from if audit and audit.effective_from != domain.registered else None
    sponsor = domain.registrar_id if domain.registrar_id is not None else context.registrar
    updater = audit.registrar_id if audit and changed else None
    return InfoData(
        name=shown_name(domain),
        roid=roid(domain.name, DOMAIN_SUFFIX),
        statuses=statuses,
        client_id=registrar_name(sponsor or 0),
        registrant=_shown_id(domain.registrant),
        contacts=tuple(_contacts(domain)),
        servers=nameservers.to_epp(domain.servers) if with_servers else (),
        created=domain.registered,
        updater_id=registrar_name(updater) if updater is not None else None,
        updated=changed,
        expires=domain.cancelled if domain.status == PENDING_RELEASE else domain.billed_until,
        auth_info=domain.udai,
    )


def _contacts(domain: Domain) -> list[ContactReference]:
    named = (("admin", _shown_id(domain.admin)), ("tech", _shown_id(domain.tech)))
    return [ContactReference(kind, handle_id) for kind, handle_id in named if handle_id]


def _shown_id(handle_id: str | None) -> str | None:
    """The id of a contact; None for one that EPP can't name."""
    if handle_id is not None and len(handle_id) not in ID_LENGTH:
        log.warning("a contact id of %d characters is left out", len(handle_id))
        return None
    return handle_id
