"""Data units read: octets to a Command, or to the refusal that the octets deserve.

Nothing that a client sends raises here: a Command that is not well-formed carries its ``fault``. The rest of
the checks (RFC 5730 knows the command, its services are on offer, the schema) wait in ``check_services`` and
``check_schema`` until the command's turn comes, because what a session has chosen may change before. Only a
hello is checked at once, as it is welcome at any time.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Sequence
from dataclasses import field
from importlib import resources
from typing import Final

from lxml import etree

from srs_epp.epp import faults, prolog
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
from srs_epp.record import record
from srs_epp.tree import own_parser

VERSION: Final = "1.0"
LANGUAGE: Final = "en"
VERBS: Final = frozenset(
    {"check", "create", "delete", "info", "login", "logout", "poll", "renew", "transfer", "update"}
)
SESSION_VERBS: Final = frozenset({"hello", "login", "logout", "poll"})  # those without an object
_EPP, _HELLO, _COMMAND, _EXTENSION, _CLIENT_TRID = map(
    EPP, ("epp", "hello", "command", "extension", "clTRID")
)
_VERB_OF: Final = {EPP(verb): verb for verb in VERBS}
# libxml2 takes the square of the time for faults in many siblings: 12 seconds for a data unit of 1 MiB
_MOST_CHILDREN: Final = 5000
_LEAST_ELEMENT: Final = len("<a/>")  # characters, each of which is one octet at least
# lxml, in all that stand below one that is taken out of its document: 10 seconds
_MOST_ELEMENTS: Final = 20_000
# and libxml2 again, in attributes, and in namespaces that are declared: 16 seconds
_MOST_ATTRIBUTES: Final = 5000
_LONGEST_URI: Final = 255  # characters that an answer repeats
_TRID_LENGTH: Final = range(3, 65)
# clients say hello all day to keep a session alive, in the same octets each time
_LONGEST_HELLO: Final = 512
_MOST_HELLOS: Final = 256


@record
class Services:
    """Object and extension URIs: those on offer, or those that a session has chosen among them."""

    objects: tuple[str, ...] = ()
    extensions: tuple[str, ...] = ()


@record
class Command:
    """One data unit, read.

    ``verb``: "hello", a command's name, or "" where there is none that we know. ``element``: the verb's, None
    where the data unit is no command at all. ``payload``: the object's element inside the verb's, None for
    commands without. ``client_trid``: only one that may be echoed. ``size``: octets of the document.
    ``namespace``: the URI of the object that the command is about.
    """

    verb: str
    element: Element | None = field(default=None, repr=False)
    payload: Element | None = field(default=None, repr=False)
    extensions: tuple[Element, ...] = field(default=(), repr=False)
    client_trid: str | None = None
    fault: EppError | None = None
    size: int = 0
    namespace: str | None = None

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
        elif (uri := self.namespace) is not None and uri != EPP and uri not in chosen.objects:
            raise UnimplementedService(_unchosen(uri, offered.objects), value=_shown(uri))
        for extension in self.extensions:
            uri = _namespace(extension)
            if uri not in (offered if self.verb == "login" else chosen).extensions:
                raise UnimplementedExtension(_unchosen(uri, offered.extensions), value=_shown(uri))

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
        if self.size > _MOST_CHILDREN * _LEAST_ELEMENT:
            _check_crowds(tree)
        schema = _take_schema()
        try:
            if not schema.validate(tree):
                raise faults.refusal(tree, schema)
        finally:
            _schemas.put(schema)
        if self.payload is not None and self.payload.tag.rpartition("}")[2] != self.verb:
            raise faults.misplaced(self.payload)


def _check_crowds(tree: etree._ElementTree) -> None:
    for count, node in enumerate(tree.iter(etree.Element)):
        if count >= _MOST_ELEMENTS:
            root = tree.getroot()
            raise ParameterRangeError(
                f"{faults.path(root)}: at most {_MOST_ELEMENTS} elements are allowed", value=root
            )
        if len(node) > _MOST_CHILDREN:
            raise ParameterRangeError(
                f"{faults.path(node)}: at most {_MOST_CHILDREN} elements are allowed", value=node
            )


def read(octets: bytes) -> Command:
    """The command in a data unit. Never raises for what a client may send."""
    if (hello := _hellos.get(octets)) is not None:
        return hello
    try:
        root = _parse(octets)
    except CommandSyntaxError as fault:
        return Command("", fault=fault)
    top = next(iter(root), None)
    if root.tag != _EPP or top is None:
        return Command("", fault=faults.root_fault(root))
    if top.tag == _COMMAND:
        return _command(top, len(octets))
    if top.tag == _HELLO:
        return _hello(top, octets)
    if top.tag == _EXTENSION:
        # RFC 5730 section 2.7.1: a protocol extension; no server of ours has one
        return Command("", top, fault=_protocol_extension(top))
    return Command("", fault=faults.misplaced(top))


_hellos: dict[bytes, Command] = {}


def _hello(top: Element, octets: bytes) -> Command:
    try:
        Command("hello", top, size=len(octets)).check_schema()
    except EppError as fault:
        return Command("hello", top, fault=fault)
    if len(octets) <= _LONGEST_HELLO and len(_hellos) < _MOST_HELLOS:
        _hellos[octets] = Command("hello")
    return Command("hello")


def _command(top: Element, size: int) -> Command:
    # the parser has left out everything but elements
    element = extension = trid = None
    for child in top:
        if child.tag == _CLIENT_TRID:
            trid = child if trid is None else trid
        elif child.tag == _EXTENSION:
            extension = child if extension is None else extension
        elif element is None:
            element = child
    client_trid = _client_trid(trid) if trid is not None else None
    if element is None:
        return Command("", top, client_trid=client_trid, fault=faults.missing(top, "a command"))
    verb = _VERB_OF.get(element.tag)
    if verb is None:
        return Command(
            "", element, client_trid=client_trid, fault=UnknownCommand(faults.path(element), value=element)
        )
    payload = next(iter(element), None) if verb not in SESSION_VERBS else None
    namespace = _namespace(payload) or None if payload is not None else None
    extensions = tuple(extension) if extension is not None else ()
    return Command(verb, element, payload, extensions, client_trid, size=size, namespace=namespace)


def _parse(octets: bytes) -> Element:
    if not octets:
        raise CommandSyntaxError("the data unit is empty")
    # both have an equals sign, in any encoding that is read; in text it is rare
    if octets.count(b"=") > _MOST_ATTRIBUTES:
        raise CommandSyntaxError(f"more than {_MOST_ATTRIBUTES} attributes or namespaces")
    usual = prolog.usual(octets)
    if not usual:
        prolog.check(octets)
    parser = own_parser()
    try:
        root = etree.fromstring(octets, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise CommandSyntaxError(_parser_words(error)) from None
    # lxml overlooks a fault in namespaces that a warning comes behind: of a name without a namespace, say
    if parser.error_log and (faulty := parser.error_log.filter_from_errors()):
        first = faulty[0]
        raise CommandSyntaxError(f"{first.message}, line {first.line}, column {first.column}")
    if not usual:
        prolog.check_read(root)
    return root


def _parser_words(error: Exception) -> str:
    if isinstance(error, etree.XMLSyntaxError) and error.msg:
        return " ".join(error.msg.split())  # some of them are of two lines
    return "not well-formed"


def _protocol_extension(top: Element) -> EppError:
    inner = next(iter(top), None)
    if inner is None:
        return faults.missing(top, "an extension")
    uri = _namespace(inner)
    return UnimplementedExtension(_unchosen(uri, ()), value=_shown(uri))


def _client_trid(element: Element) -> str | None:
    if len(element):
        return None
    trid = token(element)
    return trid if len(trid) in _TRID_LENGTH else None


def _namespace(element: Element) -> str:
    """The URI of the element's namespace, "" where it has none."""
    return element.tag.rpartition("}")[0][1:]


def _unchosen(uri: str, offered: Sequence[str]) -> str:
    why = "was not chosen at login" if uri in offered else "is not available on this server"
    return f"{_shown(uri)} {why}"


def _shown(uri: str) -> str:
    return faults.cut(uri, _LONGEST_URI)


_schemas: queue.SimpleQueue[etree.XMLSchema] = queue.SimpleQueue()
_made: list[etree.XMLSchema] = []
_making = threading.Lock()


def prepare() -> None:
    """Compile as many schemas as threads can validate at a time: later there may be no descriptor left."""
    with _making:
        while len(_made) < (os.cpu_count() or 1):
            _made.append(load_schema())
            _schemas.put(_made[-1])


def _take_schema() -> etree.XMLSchema:
    """A schema that nobody else uses now, to be put back: lxml lets one thread at a time use it."""
    if not _made:
        prepare()
    return _schemas.get()


def load_schema() -> etree.XMLSchema:
    """Our XML Schemas of every EPP namespace, compiled."""
    with resources.as_file(resources.files("srs_epp.epp") / "schema" / "all.xsd") as path:
        return etree.XMLSchema(file=str(path))
