"""What is around the actions: the form, the document, the signature, and the errors of a whole request."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from lxml import etree

from srs_epp.registry import records
from srs_epp.registry.actions import ACTIONS
from srs_epp.registry.elements import make
from srs_epp.registry.escaping import escaped
from srs_epp.registry.grammar import Grammar
from srs_epp.registry.refusals import refusal
from srs_epp.srs import form
from srs_epp.srs.errors import SRSError
from srs_epp.srs.openpgp import Keyring, KeyUnusable, SignatureUnreadable, SignatureWrong, SigningKey
from srs_epp.srs.values import Element, attribute

# the newest version of the protocol, which the grammar follows
VER_MAJOR, VER_MINOR = 8, 0

LARGEST_BODY = 1_000_000  # octets

_FIELDS = ("n", "r", "s")
_ROOTS = {"NZSRSRequest": "NZSRSResponse", "SRSRequest": "SRSResponse"}
_REQUESTS = Grammar("requests.xsd")


@dataclass(frozen=True, slots=True)
class Posted:
    """The fields of the form."""

    registrar_id: str
    xml: bytes
    signature: bytes


class Reply:
    """What is known so far of how to answer: the name of the root element, and the RegistrarId to repeat."""

    def __init__(self) -> None:
        self._tag = "NZSRSResponse"
        self._registrar_id: str | None = None

    def follow(self, request: Element) -> None:
        """Answer in kind."""
        self._tag = _ROOTS[str(request.tag)]
        self._registrar_id = request.get("RegistrarId")

    def document(self, children: Iterable[Element]) -> bytes:
        """The whole response."""
        root = make(self._tag, VerMajor=VER_MAJOR, VerMinor=VER_MINOR, RegistrarId=self._registrar_id)
        root.extend(children)
        return etree.tostring(root, encoding="UTF-8", xml_declaration=True)

    def refused(self, error: SRSError) -> bytes:
        """The response to a request that failed as a whole."""
        return self.document([records.error(error)])


def open_form(body: bytes, content_type: str) -> Posted:
    """SRSError: WRONG_MIME_TYPE, REQUEST_TOO_LONG, MISSING_POST_PARAMETERS, EXTRA_POST_PARAMETERS."""
    if content_type.partition(";")[0].strip().lower() != form.MIME_TYPE:
        raise refusal("WRONG_MIME_TYPE", form.MIME_TYPE, content_type)
    if len(body) > LARGEST_BODY:
        raise too_long(len(body))
    try:
        fields = form.decode(body)
    except form.NotAForm as error:
        raise refusal("WRONG_MIME_TYPE", form.MIME_TYPE, str(error)) from None
    missing = [name for name in _FIELDS if name not in fields]
    if missing:
        raise refusal("MISSING_POST_PARAMETERS", *missing)
    extra = [name for name in fields if name not in _FIELDS]
    if extra:
        raise refusal("EXTRA_POST_PARAMETERS", *extra)
    return Posted(fields["n"].decode("utf-8", "replace").strip(), fields["r"], fields["s"])


def too_long(size: int) -> SRSError:
    """The refusal of a body of ``size`` octets."""
    return refusal("REQUEST_TOO_LONG", str(size), str(LARGEST_BODY))


def check_signature(posted: Posted, keys: tuple[str, ...]) -> None:
    """SRSError: PUBLIC_KEY_INVALID, SIG_INVALID, SIG_VERIFY_FAILED."""
    try:
        _keyring(keys).verify(posted.xml, posted.signature)
    except KeyUnusable:
        raise refusal("PUBLIC_KEY_INVALID") from None
    except SignatureUnreadable:
        raise refusal("SIG_INVALID") from None
    except SignatureWrong:
        raise refusal("SIG_VERIFY_FAILED") from None


@lru_cache(maxsize=1024)
def _keyring(keys: tuple[str, ...]) -> Keyring:
    return Keyring(keys)


def parse(xml: bytes) -> Element:
    """The root element of a request. A DOCTYPE is tolerated, but nothing that it names or declares is used.

    SRSError XML_PARSE_ERROR.
    """
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        remove_blank_text=True,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(xml, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise refusal("XML_PARSE_ERROR", str(error)) from None
    # what the parser only warns of: references to entities that the DOCTYPE's file may declare
    if len(parser.error_log) or _declares(root):
        raise refusal("XML_PARSE_ERROR", "entities, and declarations in the DOCTYPE, are not allowed")
    if root.tag not in _ROOTS:
        raise refusal("XML_PARSE_ERROR", f"the root element is {root.tag}")
    return root


def check(root: Element) -> None:
    """Whether the request can be served: version, actions, grammar.

    SRSError: VERMAJOR_TOO_HIGH, NO_ACTION, UNKNOWN_TRANSACTION_TYPE, XML_PARSE_ERROR.
    """
    # before the grammar, which a newer version may have changed
    version = attribute(root, "VerMajor") or ""
    if version.isascii() and version.isdigit() and int(version.lstrip("0")[:9] or 0) > VER_MAJOR:
        raise refusal("VERMAJOR_TOO_HIGH", version)
    if len(root) == 0:
        raise refusal("NO_ACTION")
    for action in root:
        if action.tag not in ACTIONS:
            raise refusal("UNKNOWN_TRANSACTION_TYPE", str(action.tag))
    fault = _REQUESTS.fault(root)
    if fault is not None:
        raise refusal("XML_PARSE_ERROR", fault)


def _declares(root: Element) -> bool:
    """Whether the DOCTYPE has declarations of its own: entities, default values of attributes."""
    tree = root.getroottree()
    if tree.docinfo.internalDTD is None:
        return False
    text = etree.tostring(tree, encoding="unicode")
    return "[" in text[: text.index(f"<{root.tag}")]


def signed(xml: bytes, key: SigningKey) -> tuple[bytes, bytes]:
    """The form that is the body of the answer, and the signature in it."""
    signature = key.sign(xml).encode("ascii")
    return b"r=" + escaped(xml) + b"&s=" + escaped(signature), signature
