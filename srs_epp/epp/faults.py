"""What is wrong with a document that the schema refuses, told as RFC 5730's result codes tell it.

=====  ==========================================================================================
2003   a required element or attribute is missing: the one expected is nowhere among its siblings
2001   any other element, attribute or text in a place where it may not be
2004   a number outside its bounds; more of a repeatable element than allowed
2005   a value of the wrong form
=====  ==========================================================================================

The reason names the place by an XPath of plain prefixed names, and the value.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Sequence
from typing import Any, cast

from lxml import etree

from srs_epp.epp.namespaces import EPP, PREFIXES
from srs_epp.epp.results import (
    CommandSyntaxError,
    Element,
    EppError,
    ParameterRangeError,
    ParameterSyntaxError,
    RequiredParameterMissing,
)

# in any namespace: a secret is one where it is misplaced too
_SECRET = frozenset({"pw", "newPW", "authInfo"})
_LONGEST_VALUE = 64  # characters of a value or name of a client's that a reason repeats
_LONGEST_ELEMENT = 2048  # octets of a client's element that a value repeats

_NAMES = re.compile(r"\{([^}]*)\}([^\s,)*]+)")
_ATTRIBUTE = re.compile(r"[Aa]ttribute '(?:\{[^}]*\})?([^']*)'")
_INTEGER = re.compile(r"\s*[+-]?\d+\s*")
_STEP = re.compile(r"([^\[@]+)(?:\[(\d+)\])?")  # of an XPath
_BOUND = re.compile(r"\('([^']*)'\)\.$")
_CHOICES = re.compile(r"set (\{.*\})\.$", re.DOTALL)
# of these a number has the wrong form; of any other type that refuses it, it is out of bounds
_NO_NUMBERS = ("xs:date'", "xs:dateTime'", "xs:boolean'", "xs:hexBinary'", "xs:base64Binary'", "xs:language'")


def refusal(tree: etree._ElementTree, schema: etree.XMLSchema) -> EppError:
    """The error that answers a document which ``schema`` has just refused. Spoils the document."""
    complaint = _first_complaint(schema)
    element = _element_at(tree, complaint.path)
    kind, message = complaint.type_name, complaint.message
    if kind == "SCHEMAV_ELEMENT_CONTENT":
        if "Missing child" in message:
            return missing(element, _expected(message))
        return _unexpected(element, message, schema)
    if kind == "SCHEMAV_CVC_COMPLEX_TYPE_4":
        return missing(element, f"attribute {_attribute(message)}")
    if kind in _VALUE_FAULTS or kind == "SCHEMAV_CVC_DATATYPE_VALID_1_2_1":
        return _bad_value(element, kind, message)
    return CommandSyntaxError(f"{path(element)}: {_place_fault(kind, message)}", value=presentable(element))


def root_fault(root: Element) -> EppError:
    """2001 or 2003 for a document that is no EPP document, or an empty one."""
    if root.tag != EPP("epp"):
        return CommandSyntaxError(
            f"{path(root)}: the root element must be epp of {EPP}", value=presentable(root)
        )
    return missing(root, "hello or command")


def misplaced(element: Element) -> EppError:
    """2001 for an element that EPP knows, but not there."""
    return CommandSyntaxError(f"{path(element)}: not expected here", value=presentable(element))


def missing(parent: Element, what: str) -> EppError:
    """2003: ``what`` should be in ``parent``."""
    return RequiredParameterMissing(f"{path(parent)}: {what} is missing", value=what)


def path(element: Element) -> str:
    """Where the element stands: ``/epp/command/check/domain:check/domain:name``, with [n] among its like."""
    steps = []
    node: Element | None = element
    while node is not None:
        steps.append(_name(node.tag) + _position(node))
        node = node.getparent()
    return "/" + "/".join(reversed(steps))


def _first_complaint(schema: etree.XMLSchema) -> Any:
    # lxml-stubs does not know that a log is a sequence
    return cast(Any, schema.error_log)[0]


def _name(tag: str) -> str:
    name = etree.QName(tag)
    prefix = PREFIXES.get(name.namespace)  # type: ignore[call-overload]
    local = cut(name.localname)
    if prefix and prefix != EPP.prefix:
        return f"{prefix}:{local}"
    return local if prefix or not name.namespace else f"{{{cut(name.namespace)}}}{local}"


def _position(element: Element) -> str:
    before = sum(1 for _ in element.itersiblings(element.tag, preceding=True))
    alike = before or next(element.itersiblings(element.tag), None) is not None
    return f"[{before + 1}]" if alike else ""


def _element_at(tree: etree._ElementTree, where: str | None) -> Element:
    """The element at libxml2's path, step by step: its prefixes are the document's, bound to anything."""
    element = tree.getroot()
    for step in (where or "").split("/")[2:]:
        found = _STEP.fullmatch(step)
        if found is None:
            return element
        name, position = found[1], int(found[2] or 1)
        alike = [child for child in element.iterchildren(tag=etree.Element) if name in ("*", _written(child))]
        if len(alike) < position:
            return element
        element = alike[position - 1]
    return element


def _written(element: Element) -> str:
    local = etree.QName(element).localname
    return f"{element.prefix}:{local}" if element.prefix else local


def _unexpected(element: Element, message: str, schema: etree.XMLSchema) -> EppError:
    """An element that may not come here: because something required should come first, or by itself."""
    parent = element.getparent()
    assert parent is not None
    names = {child.tag for child in parent.iterchildren(tag=etree.Element)}
    reason = f"{path(element)}: not expected here{_instead(message)}"
    value = presentable(element)
    before = element.getprevious()
    alike = sum(1 for _ in element.itersiblings(element.tag, preceding=True))
    if alike > 1 and before is not None and before.tag == element.tag:
        return ParameterRangeError(f"{path(element)}: at most {alike} are allowed", value=value)
    tree = element.getroottree()
    for later in [*element.itersiblings(), element]:
        parent.remove(later)
    # is what stood before it whole?
    if not schema.validate(tree):
        complaint = _first_complaint(schema)
        cut_short = "Missing child" in complaint.message and _element_at(tree, complaint.path) is parent
        # another like the last one may come, but is not what is required: there is one
        known = [before.tag] if before is not None else []
        # of what may follow a counted element, libxml2 does not always tell in this place
        wanted = complaint.message if _expected_tags(complaint.message, known) else message
        if cut_short and names.isdisjoint(_expected_tags(wanted, known)):
            return missing(parent, _expected(wanted, known))
    return CommandSyntaxError(reason, value=value)


def _expected(message: str, known: Sequence[str] = ()) -> str:
    names = [_name(tag) for tag in _expected_tags(message, known)]
    return " or ".join(names) or ("an object's element" if "##other" in message else "a required element")


def _expected_tags(message: str, known: Sequence[str] = ()) -> list[str]:
    """The names in libxml2's ``Expected is one of ( {uri}name, ... )``, without its ``##other{uri}*``.

    Without those ``known`` too.
    """
    _, _, listed = message.partition("Expected is")
    tags = [f"{{{uri}}}{local}" for uri, local in _NAMES.findall(listed)]
    return [tag for tag in tags if tag not in known]


def _instead(message: str) -> str:
    return f", but {_expected(message)}" if _expected_tags(message) else ""


def _attribute(message: str) -> str | None:
    found = _ATTRIBUTE.search(message)
    return found.group(1) if found else None


def _place_fault(kind: str, message: str) -> str:
    if kind in ("SCHEMAV_CVC_COMPLEX_TYPE_3_2_1", "SCHEMAV_CVC_TYPE_3_1_1"):
        return f"attribute {cut(_attribute(message) or '')} is not allowed here"
    if kind in ("SCHEMAV_CVC_COMPLEX_TYPE_2_3", "SCHEMAV_CVC_COMPLEX_TYPE_2_1") and "Character" in message:
        return "text is not allowed here"
    if kind == "SCHEMAV_CVC_ELT_1":
        return "no element of this name exists"
    return "no element is allowed in it"


_VALUE_FAULTS = {
    "SCHEMAV_CVC_MINLENGTH_VALID": "is too short",
    "SCHEMAV_CVC_MAXLENGTH_VALID": "is too long",
    "SCHEMAV_CVC_LENGTH_VALID": "has the wrong length",
    "SCHEMAV_CVC_PATTERN_VALID": "is not of the required form",
    "SCHEMAV_CVC_ENUMERATION_VALID": "is none of",
    "SCHEMAV_CVC_MININCLUSIVE_VALID": "is below",
    "SCHEMAV_CVC_MAXINCLUSIVE_VALID": "is above",
}


def _bad_value(element: Element, kind: str, message: str) -> EppError:
    attribute = _attribute(message.split("[facet", 1)[0].split(": '", 1)[0])
    value = (element.get(attribute) if attribute else element.text) or ""
    where = path(element) + (f"/@{attribute}" if attribute else "")
    secret = any(map(_is_secret, (element, *element.iterancestors())))
    shown = "its value" if secret else f"value {cut(value)!r}"
    error: type[EppError] = ParameterSyntaxError
    words = _VALUE_FAULTS.get(kind, "is not of its type")
    if kind in ("SCHEMAV_CVC_MININCLUSIVE_VALID", "SCHEMAV_CVC_MAXINCLUSIVE_VALID"):
        error = ParameterRangeError
        bound = _BOUND.search(message)
        words += f" {bound.group(1)}" if bound else " its bound"
    elif kind == "SCHEMAV_CVC_ENUMERATION_VALID":
        choices = _CHOICES.search(message)
        words += f" {choices.group(1)}" if choices else " those allowed"
    elif (
        kind not in _VALUE_FAULTS and _INTEGER.fullmatch(value) and not any(t in message for t in _NO_NUMBERS)
    ):
        error, words = ParameterRangeError, "is out of its range"
    return error(f"{where}: {shown} {words}", value=presentable(element))


def _is_secret(element: Element) -> bool:
    return etree.QName(element).localname in _SECRET


def cut(value: str, longest: int = _LONGEST_VALUE) -> str:
    """What an answer repeats of a text that a client may make as long as it likes."""
    return value if len(value) <= longest else value[: longest - 1] + "…"


def presentable(element: Element) -> Element | str:
    """A copy of the client's element for an error's value, or its name alone.

    The name where it holds a secret (pw, newPW and authInfo are never echoed), or is too long.
    """
    # the length first: to look through a great many elements takes its time
    if len(etree.tostring(element, with_tail=False)) > _LONGEST_ELEMENT or _holds_secret(element):
        return _name(element.tag)
    alone = copy.deepcopy(element)
    alone.tail = None
    return alone


def _holds_secret(element: Element) -> bool:
    return any(map(_is_secret, (*element.iterancestors(), *element.iter(etree.Element))))
