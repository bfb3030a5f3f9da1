"""EPP <-> SRS: the register of every command that is mapped, and the services that follow from it."""

from __future__ import annotations

from srs_epp.commands.contact.check import check_contact
from srs_epp.commands.contact.create import create_contact
from srs_epp.commands.contact.info import info_contact
from srs_epp.commands.domain.check import check_domain
from srs_epp.commands.domain.create import create_domain
from srs_epp.commands.domain.info import info_domain
from srs_epp.commands.login import login
from srs_epp.commands.logout import logout
from srs_epp.commands.mapping import Handler
from srs_epp.epp.namespaces import RGP, SECDNS

REGISTER: dict[tuple[str, str | None], Handler] = {
    (handler.verb, handler.namespace): handler
    for handler in (
        login,
        logout,
        check_contact,
        create_contact,
        info_contact,
        check_domain,
        create_domain,
        info_domain,
    )
}

OBJECTS: tuple[str, ...] = tuple(dict.fromkeys(str(uri) for _, uri in REGISTER if uri is not None))
EXTENSIONS: tuple[str, ...] = (str(SECDNS), str(RGP))
