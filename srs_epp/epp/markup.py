"""Elements of a response, written as text: to build a tree of them first takes ten times as long."""

from __future__ import annotations

from srs_epp.epp.namespaces import Namespace
from srs_epp.escaping import escaped, quoted


class Markup:
    """An element that is being written; those inside it are of the same namespace.

    >>> from srs_epp.epp.namespaces import DOMAIN
    >>> data = Markup(DOMAIN, "chkData")
    >>> data.open("cd").add("name", "a.nz", avail="1")
    >>> str(data).partition(">")[2]
    '<domain:cd><domain:name avail="1">a.nz</domain:name></domain:cd></domain:chkData>'
    """

    __slots__ = ("_end", "_parts", "_prefix")

    def __init__(self, namespace: Namespace, name: str, text: str = "") -> None:
        """It declares its namespace with our usual prefix."""
        self._prefix = prefix = namespace.prefix
        self._parts: list[str | Markup] = [f'<{prefix}:{name} xmlns:{prefix}="{namespace}">{escaped(text)}']
        self._end = f"</{prefix}:{name}>"

    def add(self, name: str, text: str = "", **attributes: str | None) -> None:
        """A new last child that holds only text; an attribute that is None is left out."""
        tag = f"{self._prefix}:{name}"
        start = f"<{tag}{_attributes(attributes)}" if attributes else f"<{tag}"
        self._parts.append(f"{start}>{escaped(text)}</{tag}>" if text else f"{start}/>")

    def open(self, name: str, **attributes: str | None) -> Markup:
        """A new last child, for others to be put into."""
        child = Markup.__new__(Markup)
        child._prefix = self._prefix
        start = f"<{self._prefix}:{name}"
        child._parts = [f"{start}{_attributes(attributes)}>" if attributes else f"{start}>"]
        child._end = f"</{self._prefix}:{name}>"
        self._parts.append(child)
        return child

    def __str__(self) -> str:
        """The XML of the whole."""
        return "".join([*map(str, self._parts), self._end])


def _attributes(attributes: dict[str, str | None]) -> str:
    return "".join([f" {key}={quoted(text)}" for key, text in attributes.items() if text is not None])
