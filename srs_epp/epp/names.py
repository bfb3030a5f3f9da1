"""Domain names as EPP carries them: A-labels, letters, digits and inner hyphens (RFC 5731 section 2.1)."""

from __future__ import annotations

import re

from srs_epp.epp.results import Element, ParameterSyntaxError
from srs_epp.epp.xml import token

LONGEST_NAME = 253
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_NAME = re.compile(rf"{_LABEL.pattern}(?:\.{_LABEL.pattern})*")


def domain_name(element: Element) -> str:
    """The name in ``element``, as the client wrote it. 2005 where it can't be a domain name."""
    name = token(element)
    if len(name) > LONGEST_NAME:
        raise ParameterSyntaxError(f"a domain name has at most {LONGEST_NAME} characters", value=element)
    if _NAME.fullmatch(name):
        return name
    label = next(label for label in name.split(".") if not _LABEL.fullmatch(label))
    raise ParameterSyntaxError(f"{label!r} can't be a label of a domain name", value=element)
