"""The DNS security extension, RFC 5910: DS data in create commands and info responses."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import field

from srs_epp.epp.markup import Markup
from srs_epp.epp.namespaces import SECDNS
from srs_epp.epp.results import Element
from srs_epp.epp.xml import boolean, token
from srs_epp.record import record
from srs_epp.tree import child, children


@record
class DSData:
    """``<secDNS:dsData>``; the digest is hexadecimal, as written."""

    key_tag: int
    algorithm: int
    digest_type: int
    digest: str
    element: Element | None = field(default=None, repr=False, compare=False)

    @classmethod
    def read(cls, element: Element) -> DSData:
        return cls(
            int(token(child(element, SECDNS("keyTag")))),
            int(token(child(element, SECDNS("alg")))),
            int(token(child(element, SECDNS("digestType")))),
            token(child(element, SECDNS("digest"))),
            element,
        )


@record
class Create:
    """``<secDNS:create>``, section 5.2.1: the DS data, and the elements that we may not serve."""

    ds: tuple[DSData, ...]
    key_data: Element | None = field(repr=False, compare=False)
    max_sig_life: Element | None = field(repr=False, compare=False)

    @classmethod
    def read(cls, element: Element) -> Create:
        return cls(
            ds=tuple(map(DSData.read, children(element, SECDNS("dsData")))),
            # beside, or inside, a dsData: section 4 lets a server refuse either
            key_data=next(element.iter(SECDNS("keyData")), None),
            max_sig_life=child(element, SECDNS("maxSigLife")),
        )


@record
class Update:
    """``<secDNS:update>``, section 5.2.5: ``remove_all``, or the records to remove; those to add."""

    remove_all: bool
    rem: tuple[DSData, ...]
    add: tuple[DSData, ...]
    urgent: bool
    key_data: Element | None = field(repr=False, compare=False)
    max_sig_life: Element | None = field(repr=False, compare=False)

    @classmethod
    def read(cls, element: Element) -> Update:
        rem, added = child(element, SECDNS("rem")), child(element, SECDNS("add"))
        everything = child(rem, SECDNS("all"))
        return cls(
            remove_all=everything is not None and boolean(everything.text),
            rem=_records(rem),
            add=_records(added),
            urgent=boolean(element.get("urgent")),
            key_data=next(element.iter(SECDNS("keyData")), None),
            max_sig_life=next(element.iter(SECDNS("maxSigLife")), None),
        )

    def __bool__(self) -> bool:
        """Whether it asks for anything, be it something that we refuse."""
        asked = self.remove_all or self.rem or self.add or self.urgent
        return bool(asked) or self.key_data is not None or self.max_sig_life is not None


NO_UPDATE = Update(
    remove_all=False, rem=(), add=(), urgent=False, key_data=None, max_sig_life=None
)  # where there is no such extension


def _records(parent: Element | None) -> tuple[DSData, ...]:
    return tuple(map(DSData.read, children(parent, SECDNS("dsData"))))


def info_data(records: Iterable[DSData]) -> Markup:
    """``<secDNS:infData>``, section 5.1.2."""
    data = Markup(SECDNS, "infData")
    for one in records:
        ds = data.open("dsData")
        ds.add("keyTag", str(one.key_tag))
        ds.add("alg", str(one.algorithm))
        ds.add("digestType", str(one.digest_type))
        ds.add("digest", one.digest)
    return data
