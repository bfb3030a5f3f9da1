"""The body of an SRS message: application/x-www-form-urlencoded fields, the same way in both directions."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode

MIME_TYPE = "application/x-www-form-urlencoded"


class NotAForm(ValueError):
    """The octets are no form, or a field comes twice."""


def encode(fields: Mapping[str, bytes | str]) -> bytes:
    """The form with these fields, in their order."""
    return urlencode(fields).encode("ascii")


def decode(body: bytes) -> dict[str, bytes]:
    """The fields of a form, name to the octets that were signed.

    NotAForm where the body is no form, or names a field twice: whoever takes the first value and whoever
    takes the last would see two different messages.
    """
    try:
        # latin-1 keeps every octet as it is; only fields that are XML are decoded, by the XML parser
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=True,
            encoding="latin-1",
            max_num_fields=64,
        )
    except ValueError as error:
        raise NotAForm(f"the body is no form: {error}") from None
    fields: dict[str, bytes] = {}
    for name, value in pairs:
        if name in fields:
            raise NotAForm(f"the field {name!r} comes twice")
        fields[name] = value.encode("latin-1")
    return fields
