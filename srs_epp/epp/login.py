"""The ``<login>`` command, RFC 5730 section 2.9.1.1."""

from __future__ import annotations

from dataclasses import field

from srs_epp.epp.namespaces import EPP
from srs_epp.epp.reader import Services
from srs_epp.epp.results import Element
from srs_epp.epp.xml import token
from srs_epp.record import record
from srs_epp.tree import child


@record
class Login:
    """Who wants to log in, and for what."""

    client_id: str
    password: str = field(repr=False)
    new_password: str | None = field(repr=False)
    services: Services

    @classmethod
    def read(cls, element: Element) -> Login:
        new = child(element, EPP("newPW"))
        svcs = f"{EPP('svcs')}/"
        return cls(
            client_id=token(child(element, EPP("clID"))),
            password=token(child(element, EPP("pw"))),
            new_password=token(new) if new is not None else None,
            services=Services(
                objects=tuple(map(token, element.iterfind(svcs + EPP("objURI")))),
                extensions=tuple(
                    map(token, element.iterfind(f"{svcs}{EPP('svcExtension')}/{EPP('extURI')}"))
                ),
            ),
        )
