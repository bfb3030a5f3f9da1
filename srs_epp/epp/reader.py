"""Data units read: octets to a Command, or to the refusal that the octets deserve.

Nothing that a client sends raises here: a Command that is not well-formed carries its ``fault``. The rest of
the checks (RFC 5730 knows the command, its services are on offer, the schema) wait in ``check_services`` and
``check_schema`` until the command's turn comes, because what a session has chosen may change before. Only a
hello is checked at once, as it is welcome at any time.
"""

from __future__ import annotations

import codecs
import os
import queue
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import resources
from typing import Final

from lxml import etree

from srs_epp.epp import faults
from srs_epp.epp.namespaces import EPP
from srs_epp.epp.results import (
    CommandSyntaxError,
    Element,
    EppError,
    ParameterRangeError,
    UnimplementedExtension,
    UnimplementedOption,
    UnimplementedService,
    UnimplementedVersion,
    UnknownCommand,
)
from srs_epp.epp.xml import token

VERSION: Final = "1.0"
LANGUAGE: Final = "en"
VERBS: Final = frozenset(
    {"check", "create", "delete", "info", "login", "logout", "poll", "renew", "transfer", "update"}
)
SESSION_VERBS: Final = frozenset({"hello", "login", "logout", "poll"})  # those without an object
_ENCODINGS: Final = frozenset({"UTF-8", "UTF8", "UTF-16", "UTF-16LE", "UTF-16BE", "US-ASCII", "ASCII"})
# libxml2 takes the square of the time for faults in many siblings: 12 seconds for a data unit of 1 MiB
_MOST_CHILDREN: Final = 5000
_TRID_LENGTH: Final = range(3, 65)
# libxml2 takes the square of the time for the attributes that a DTD declares: 38 seconds for 1 MiB
_DOCTYPE: Final = re.compile(r"\ufeff?(?:\s+|<\?.*?\?>|<!--.*?-->)*+<!DOCTYPE", re.DOTALL)
# clients say hello all day to keep a session alive, in the same octets each time
_LONGEST_HELLO: Final = 512
_MOST_HELLOS: Final = 256
_OTHER_ENCODINGS: Final = (b"\0\0\0<", b"<\0\0\0", b"\x4c\x6f\xa7\x94")  # UCS-4, EBCDIC


@dataclass(frozen=True, slots=True)
class Services:
    """Object and extension URIs: those on offer, or those that a session has chosen among them."""

    objects: tuple[str, ...] = ()
    extensions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Command:
    """One data unit, read.

    ``verb``: "hello", a command's name, or "" where there is none that we know. ``element``: the verb's, None
    where the data unit is no command at all. ``payload``: the object's element inside the verb's, None for
    commands without. ``client_trid``: only one that may be echoed.
    """

    verb: str
    element: Element | None = field(default=None, repr=False)
    payload: Element | None = field(default=None, repr=False)
    extensions: tuple[Element, ...] = field(default=(), repr=False)
    client_trid: str | None = None
    fault: EppError | None = None

    @property
    def namespace(self) -> str | None:
        """The URI of the object that the command is about."""
        return etree.QName(self.payload).namespace if self.payload is not None else None

    def extension(self, name: str) -> Element | None:
        """The extension element of that qualified name."""
        return next((element for element in self.extensions if element.tag == name), None)

    def check_services(self, offered: Services, chosen: Services) -> None:
        """Refuse what no server of ours, or not this session, speaks; login itself chooses among ``offered``.

        2000 unknown command; 2100, 2102 another version or language of EPP; 2307, 2103 a namespace that is
        not on offer or was not chosen, with the URI as value.
        """
        if self.fault is not None:
            raise self.fault
        if self.verb == "login":
            self._check_login(offered)
        elif self.namespace not in (None, EPP) and self.namespace not in chosen.objects:
            raise UnimplementedService(_unchosen(self.namespace, offered.objects), value=self.namespace)
        for extension in self.extensions:
            uri = etree.QName(extension).namespace or ""
            if uri not in (offered if self.verb == "login" else chosen).extensions:
                raise UnimplementedExtension(_unchosen(uri, offered.extensions), value=uri)

    def _check_login(self, offered: Services) -> None:
        assert self.element is not None
        version = self.element.find(f"{EPP('options')}/{EPP('version')}")
        if version is not None and token(version) != VERSION:
            raise UnimplementedVersion(f"only version {VERSION}", value=version)
        language = self.element.find(f"{EPP('options')}/{EPP('lang')}")
        if language is not None and token(language) != LANGUAGE:
            raise UnimplementedOption(f"only language {LANGUAGE}", value=language)
        for element in self.element.iterfind(f"{EPP('svcs')}/{EPP('objURI')}"):
            if token(element) not in offered.objects:
                raise UnimplementedService(_unchosen(token(element), offered.objects), value=element)
        for element in self.element.iterfind(f"{EPP('svcs')}/{EPP('svcExtension')}/{EPP('extURI')}"):
            if token(element) not in offered.extensions:
                raise UnimplementedExtension(_unchosen(token(element), offered.extensions), value=element)

    def check_schema(self) -> None:
        """Refuse what RFC 5730 and the object's RFC do not allow: 2001, 2003, 2004, 2005, with the place."""
        if self.fault is not None:
            raise self.fault
        if self.element is None:  # a hello, which has been checked
            return
        tree = self.element.getroottree()
        crowded = next((node for node in tree.iter(etree.Element) if len(node) > _MOST_CHILDREN), None)
        if crowded is not None:
            raise ParameterRangeError(
                f"{faults.path(crowded)}: at most {_MOST_CHILDREN} elements are allowed", value=crowded
            )
        with _schema() as schema:
            if not schema.validate(tree):
                raise faults.refusal(tree, schema)
        if self.payload is not None and etree.QName(self.payload).localname != self.verb:
            raise faults.misplaced(self.payload)


def read(octets: bytes) -> Command:
    """The command in a data unit. Never raises for what a client may send."""
    if (hello := _hellos.get(octets)) is not None:
        return hello
    try:
        root = _parse(octets)
    except CommandSyntaxError as fault:
        return Command("", fault=fault)
    children = list(root.iterchildren(tag=etree.Element))
    if root.tag != EPP("epp") or not children:
        return Command("", fault=faults.root_fault(root))
    top = children[0]
    if top.tag == EPP("hello"):
        return _hello(top, octets)
    if top.tag == EPP("extension"):
        # RFC 5730 section 2.7.1: a protocol extension; no server of ours has one
        return Command("", top, fault=_protocol_extension(top))
    if top.tag != EPP("command"):
        return Command("", fault=faults.misplaced(top))
    return _command(top)


_hellos: dict[bytes, Command] = {}


def _hello(top: Element, octets: bytes) -> Command:
    try:
        Command("hello", top).check_schema()
    except EppError as fault:
        return Command("hello", top, fault=fault)
    if len(octets) <= _LONGEST_HELLO and len(_hellos) < _MOST_HELLOS:
        _hellos[octets] = Command("hello")
    return Command("hello")


def _command(top: Element) -> Command:
    client_trid = _client_trid(top)
    extension = top.find(EPP("extension"))
    beside = (EPP("extension"), EPP("clTRID"))
    element = next((child for child in top.iterchildren(tag=etree.Element) if child.tag not in beside), None)
    if element is None:
        return Command("", top, client_trid=client_trid, fault=faults.missing(top, "a command"))
    name = etree.QName(element)
    if name.namespace != EPP or name.localname not in VERBS:
        return Command(
            "", element, client_trid=client_trid, fault=UnknownCommand(faults.path(element), value=element)
        )
    payload = None
    if name.localname not in SESSION_VERBS:
        payload = next(element.iterchildren(tag=etree.Element), None)
    return Command(
        name.localname,
        element,
        payload,
        tuple(extension.iterchildren(tag=etree.Element)) if extension is not None else (),
        client_trid,
    )


def _parse(octets: bytes) -> Element:
    if not octets:
        raise CommandSyntaxError("the data unit is empty")
    if _DOCTYPE.match(_beginning(octets)):
        raise CommandSyntaxError("a DOCTYPE is not allowed")
    parser = _parser()
    try:
        root = etree.fromstring(octets, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise CommandSyntaxError(_parser_words(error)) from None
    # lxml overlooks a fault in namespaces that a warning comes behind: of a name without a namespace, say
    if parser.error_log and (faulty := parser.error_log.filter_from_errors()):
        first = faulty[0]
        raise CommandSyntaxError(f"{first.message}, line {first.line}, column {first.column}")
    document = root.getroottree().docinfo
    if document.internalDTD is not None:
        raise CommandSyntaxError("a DOCTYPE is not allowed")
    if (document.encoding or "UTF-8").upper() not in _ENCODINGS:
        raise CommandSyntaxError(f"the encoding {document.encoding} is neither UTF-8 nor UTF-16")
    return root


def _beginning(octets: bytes) -> str:
    """The document as text, good enough to see what comes before its root element."""
    if octets.startswith(_OTHER_ENCODINGS):
        raise CommandSyntaxError("the encoding is neither UTF-8 nor UTF-16")
    if octets.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return octets.decode("utf-16", "replace")
    if octets.startswith((b"<\0", b"\0<")):
        return octets.decode("utf-16-le" if octets[0] else "utf-16-be", "replace")
    return octets.removeprefix(codecs.BOM_UTF8).decode("latin-1")


def _parser() -> etree.XMLParser:
    """A new one each time.

    A parser carries the dictionary of names of the thread that used it first into others, and two threads
    that write to one dictionary crash the process.
    """
    return etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )


def _parser_words(error: Exception) -> str:
    if isinstance(error, etree.XMLSyntaxError) and error.msg:
        return " ".join(error.msg.split())  # some of them are of two lines
    return "not well-formed"


def _protocol_extension(top: Element) -> EppError:
    inner = next(top.iterchildren(tag=etree.Element), None)
    if inner is None:
        return faults.missing(top, "an extension")
    uri = etree.QName(inner).namespace or ""
    return UnimplementedExtension(_unchosen(uri, ()), value=uri)


def _client_trid(top: Element) -> str | None:
    found = top.find(EPP("clTRID"))
    if found is None or len(found):
        return None
    trid = token(found)
    return trid if len(trid) in _TRID_LENGTH else None


def _unchosen(uri: str | None, offered: Sequence[str]) -> str:
    return f"{uri} was not chosen at login" if uri in offered else f"{uri} is not available on this server"


_schemas: queue.SimpleQueue[etree.XMLSchema] = queue.SimpleQueue()
_made: list[etree.XMLSchema] = []
_making = threading.Lock()


def prepare() -> None:
    """Compile as many schemas as threads can validate at a time: later there may be no descriptor left."""
    with _making:
        while len(_made) < (os.cpu_count() or 1):
            _made.append(load_schema())
            _schemas.put(_made[-1])


@contextmanager
def _schema() -> Iterator[etree.XMLSchema]:
    """A schema that nobody else uses now: lxml lets one thread at a time use it."""
    if not _made:
        prepare()
    schema = _schemas.get()
    try:
        yield schema
    finally:
        _schemas.put(schema)


def load_schema() -> etree.XMLSchema:
    """Our XML Schemas of every EPP namespace, compiled."""
    with resources.as_file(resources.files("srs_epp.epp") / "schema" / "all.xsd") as path:
        return etree.XMLSchema(file=str(path))
