"""Every XML namespace of EPP that we know, each of which makes its qualified names.

>>> DOMAIN("name")
'{urn:ietf:params:xml:ns:domain-1.0}name'
"""

from __future__ import annotations


class Namespace(str):
    """A namespace's URI, with the prefix that we write and its names."""

    __slots__ = ("prefix",)
    prefix: str

    def __new__(cls, prefix: str, uri: str) -> Namespace:
        namespace = super().__new__(cls, uri)
        namespace.prefix = prefix
        return namespace

    def __call__(self, local: str) -> str:
        """The qualified name of ``local``, as lxml writes it."""
        return f"{{{self}}}{local}"


EPP = Namespace("epp", "urn:ietf:params:xml:ns:epp-1.0")
DOMAIN = Namespace("domain", "urn:ietf:params:xml:ns:domain-1.0")
CONTACT = Namespace("contact", "urn:ietf:params:xml:ns:contact-1.0")
HOST = Namespace("host", "urn:ietf:params:xml:ns:host-1.0")
SECDNS = Namespace("secDNS", "urn:ietf:params:xml:ns:secDNS-1.1")
RGP = Namespace("rgp", "urn:ietf:params:xml:ns:rgp-1.0")
# of our own: a small element that carries a value in <extValue> where the client's element is not known
VALUE = Namespace("eppd", "urn:x-eppd:value-1.0")

PREFIXES = {namespace: namespace.prefix for namespace in (EPP, DOMAIN, CONTACT, HOST, SECDNS, RGP, VALUE)}
