"""What a client sees in a response."""

from __future__ import annotations

from dataclasses import dataclass, field

from lxml import etree

from srs_epp.epp.namespaces import EPP, PREFIXES
from srs_epp.epp.results import EppError
from srs_epp.epp.writer import Response
from tests.support.validity import assert_valid


@dataclass(frozen=True)
class Answer:
    """A response, or a greeting, whose code is 0."""

    code: int
    message: str = ""
    reason: str | None = None
    value: str | None = None
    client_trid: str | None = None
    server_trid: str | None = None
    root: etree._Element = field(repr=False, default_factory=lambda: etree.Element("none"))
    xml: str = field(repr=False, default="")

    @classmethod
    def read(cls, octets: bytes) -> Answer:
        """The answer in a valid document; AssertionError where it is not valid."""
        root = assert_valid(octets)
        result = root.find(f"{EPP('response')}/{EPP('result')}")
        if result is None:
            assert root.find(EPP("greeting")) is not None
            return cls(0, root=root, xml=octets.decode())
        value = result.find(f"{EPP('extValue')}/{EPP('value')}")
        return cls(
            code=int(result.get("code", "")),
            message=result.findtext(EPP("msg"), ""),
            reason=result.findtext(f"{EPP('extValue')}/{EPP('reason')}"),
            value=etree.tostring(value[0], encoding="unicode", with_tail=False)
            if value is not None
            else None,
            client_trid=root.findtext(f".//{EPP('trID')}/{EPP('clTRID')}"),
            server_trid=root.findtext(f".//{EPP('trID')}/{EPP('svTRID')}"),
            root=root,
            xml=octets.decode(),
        )

    @classmethod
    def of(cls, response: Response) -> Answer:
        """The answer that a response is to its client."""
        return cls.read(response.identified(response.client_trid, response.server_trid or "sv-1").octets())

    @classmethod
    def to(cls, error: EppError) -> Answer:
        """The answer that a refusal becomes."""
        return cls.of(Response.refusing(error))

    @property
    def value_text(self) -> str | None:
        """The text of the value's element."""
        return etree.fromstring(self.value).xpath("string()") if self.value is not None else None  # type: ignore[return-value]

    def text(self, path: str) -> str | None:
        """The text of the first element at a path of prefixed names below the root: "//domain:name"."""
        found = self.texts(path)
        return found[0] if found else None

    def texts(self, path: str) -> list[str]:
        """The texts, or attribute values, at a path."""
        return [found if isinstance(found, str) else found.text or "" for found in self._at(path)]

    def _at(self, path: str) -> list[etree._Element | str]:
        found = self.root.xpath(path, namespaces={prefix: str(uri) for uri, prefix in PREFIXES.items()})
        assert isinstance(found, list)
        return found  # type: ignore[return-value]
