"""The result codes of RFC 5730 section 3 with their texts, and an exception for each refusal."""

from __future__ import annotations

from typing import ClassVar

from lxml import etree

Element = etree._Element

TEXTS = {
    1000: "Command completed successfully",
    1001: "Command completed successfully; action pending",
    1300: "Command completed successfully; no messages",
    1301: "Command completed successfully; ack to dequeue",
    1500: "Command completed successfully; ending session",
    2000: "Unknown command",
    2001: "Command syntax error",
    2002: "Command use error",
    2003: "Required parameter missing",
    2004: "Parameter value range error",
    2005: "Parameter value syntax error",
    2100: "Unimplemented protocol version",
    2101: "Unimplemented command",
    2102: "Unimplemented option",
    2103: "Unimplemented extension",
    2104: "Billing failure",
    2105: "Object is not eligible for renewal",
    2106: "Object is not eligible for transfer",
    2200: "Authentication error",
    2201: "Authorization error",
    2202: "Invalid authorization information",
    2300: "Object pending transfer",
    2301: "Object not pending transfer",
    2302: "Object exists",
    2303: "Object does not exist",
    2304: "Object status prohibits operation",
    2305: "Object association prohibits operation",
    2306: "Parameter value policy error",
    2307: "Unimplemented object service",
    2308: "Data management policy violation",
    2400: "Command failed",
    2500: "Command failed; server closing connection",
    2501: "Authentication error; server closing connection",
    2502: "Session limit exceeded; server closing connection",
}

CLOSING = 2500  # a result of this code or above ends the session (RFC 5730 section 3)


class EppError(Exception):
    """A refusal of ours: raised where the fault is found, made a response in one place.

    ``reason`` is the specific text, which follows the code's own in ``msg``; ``value`` is what it is about:
    the client's element, or a text. ``message`` replaces the whole of ``msg`` (a registry's own words).
    """

    code: ClassVar[int]
    of_code: ClassVar[dict[int, type[EppError]]] = {}

    def __init_subclass__(cls, code: int) -> None:
        cls.code = code
        EppError.of_code[code] = cls

    def __init__(
        self, reason: str = "", *, value: Element | str | None = None, message: str | None = None
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.value = value
        self._message = message

    @property
    def message(self) -> str:
        """The text of ``<msg>``."""
        if self._message is not None:
            return self._message
        text = TEXTS[self.code]
        return f"{text}: {self.reason}" if self.reason else text

    def __str__(self) -> str:
        return f"{self.code} {self.message}"


class UnknownCommand(EppError, code=2000):
    """An element under ``<command>`` that is no EPP command."""


class CommandSyntaxError(EppError, code=2001):
    """Not well-formed, or an element or attribute where none may be."""


class CommandUseError(EppError, code=2002):
    """Well-formed, but it can't be done in this state or this combination."""


class RequiredParameterMissing(EppError, code=2003):
    """An element or attribute that must be there is not."""


class ParameterRangeError(EppError, code=2004):
    """A number outside its bounds, or more elements than are allowed."""


class ParameterSyntaxError(EppError, code=2005):
    """A value of the wrong form."""


class UnimplementedVersion(EppError, code=2100):
    """A protocol version other than 1.0."""


class UnimplementedCommand(EppError, code=2101):
    """A command of EPP that this server does not do."""


class UnimplementedOption(EppError, code=2102):
    """An option of a command that this server does not do."""


class UnimplementedExtension(EppError, code=2103):
    """An extension that is not on offer, was not chosen at login, or does not extend this command."""


class NotEligibleForTransfer(EppError, code=2106):
    """The object can't be transferred."""


class AuthenticationError(EppError, code=2200):
    """Login refused; which of its conditions failed is not told."""


class AuthorizationError(EppError, code=2201):
    """The object belongs to another registrar."""


class InvalidAuthInfo(EppError, code=2202):
    """authInfo is wrong."""


class ObjectExists(EppError, code=2302):
    """The object is there already."""


class ObjectDoesNotExist(EppError, code=2303):
    """There is no such object."""


class StatusProhibits(EppError, code=2304):
    """The object's status does not allow it."""


class AssociationProhibits(EppError, code=2305):
    """Something else still refers to the object."""


class PolicyError(EppError, code=2306):
    """A value that policy does not allow."""


class UnimplementedService(EppError, code=2307):
    """An object service that is not on offer, or was not chosen at login."""


class PolicyViolation(EppError, code=2308):
    """The command would leave data that policy does not allow."""


class CommandFailed(EppError, code=2400):
    """A fault of ours or the registry's; the session goes on."""


class CommandFailedClosing(EppError, code=2500):
    """A fault of ours or the registry's after which the session can't go on."""


class AuthenticationErrorClosing(EppError, code=2501):
    """One refused login too many."""


class SessionLimitExceeded(EppError, code=2502):
    """A limit on sessions is reached."""
