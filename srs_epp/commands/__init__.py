"""EPP <-> SRS: the register of every command that is mapped, and the services that follow from it."""

from __future__ import annotations

from srs_epp.commands.contact.check import check_contact
from srs_epp.commands.contact.create import create_contact
from srs_epp.commands.contact.delete import delete_contact
from srs_epp.commands.contact.info import info_contact
from srs_epp.commands.contact.update import update_contact
from srs_epp.commands.domain.check import check_domain
from srs_epp.commands.domain.create import create_domain
from srs_epp.commands.domain.delete import delete_domain
from srs_epp.commands.domain.info import info_domain
from srs_epp.commands.domain.renew import renew_domain
from srs_epp.commands.domain.transfer import transfer_domain
from srs_epp.commands.domain.update import update_domain
from srs_epp.commands.login import login
from srs_epp.commands.logout import logout
from srs_epp.commands.mapping import Handler
from srs_epp.commands.poll import poll
from srs_epp.epp.namespaces import RGP, SECDNS

REGISTER: dict[tuple[str, str | None], Handler] = {
    (handler.verb, handler.namespace): handler
    for handler in (
        login,
        logout,
        poll,
        check_contact,
        create_contact,
        delete_contact,
        info_contact,
        update_contact,
        check_domain,
        create_domain,
        delete_domain,
        info_domain,
        renew_domain,
        transfer_domain,
        update_domain,
    )
}

OBJECTS: tuple[str, ...] = tuple(dict.fromkeys(str(uri) for _, uri in REGISTER if uri is not None))
EXTENSIONS: tuple[str, ...] = (str(SECDNS), str(RGP))
