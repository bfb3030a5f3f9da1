"""What the registry says when it refuses: SRSErrors with their text and hint."""

from __future__ import annotations

from srs_epp.srs.errors import ERRORS, SRSError

_TEXTS = {
    "MISSING_POST_PARAMETERS": "A field of the form is missing",
    "EXTRA_POST_PARAMETERS": "The form has a field that is not known",
    "WRONG_MIME_TYPE": "The body is not a form of the right type",
    "REQUEST_TOO_LONG": "The request is too long",
    "XML_PARSE_ERROR": "The request is not XML of the right form",
    "VERMAJOR_TOO_HIGH": "The protocol version is newer than this registry",
    "UNKNOWN_REGISTRAR": "There is no such registrar",
    "SIG_INVALID": "The signature can't be read",
    "SIG_VERIFY_FAILED": "The signature is not one of this registrar over this request",
    "PUBLIC_KEY_INVALID": "The public key can't be used",
    "NO_ACTION": "The request holds no action",
    "UNKNOWN_TRANSACTION_TYPE": "This registry does not know this action",
    "INTERNAL_ERROR": "The registry failed",
    "LOCK_ERROR": "The registry is busy with another request",
    "ACTION_ID_ALREADY_USED": "The ActionId has been used for another request",
    "MISSING_MANDATORY_FIELD": "A mandatory field is missing",
    "INVALID_FIELD": "A field has a value that is not allowed",
    "UNEXPECTED_FIELD": "A field is not allowed here",
    "INVALID_FIELDSET": "These fields are not allowed together",
    "INVALID_DATE_RANGE": "The date range can't be used",
    "CONFLICTING_RESULTS_PARAMETERS": "CountResults excludes MaxResults and SkipResults",
    "NUMBER_OF_FILTERS_EXCEEDS_MAX": "There are too many filters of a kind",
    "PERMISSION_DENIED": "The registrar lacks a role for this action",
    "INVALID_EFFECTIVE_REGISTRAR": "Only the registry may act for another registrar",
    "EFFECTIVE_REGISTRAR_DOES_NOT_EXIST": "There is no such effective registrar",
    "DOMAIN_ASSIGNED_TO_NON_REGISTRAR": "A domain can only be held by a registrar",
    "NOT_PERMITTED_TO_FILTER_REGISTRAR_BY_NAME": "Only the registry may look for registrars by name",
    "DOMAIN_ALREADY_EXISTS": "The domain name is registered already",
    "INVALID_CCTLD": "The domain name is not in a zone of this registry",
    "MODERATED_DOMAIN_VIOLATION": "The second level is not open to this registrar",
    "TERM_EXCEEDS_MAX": "The term is longer than the maximum",
    "NAMESERVERS_EXCEEDED_MAX": "There are too many name servers",
    "NAME_SERVER_DUPLICATION": "A name server is given twice",
    "IP4ADDR_NOT_ALLOWED": "A name server outside the domain must not have an IPv4 address",
    "IP6ADDR_NOT_ALLOWED": "A name server outside the domain must not have an IPv6 address",
    "SELF_SERVING_DNS_VIOLATION": "A name server inside the domain needs an address",
    "DNSSEC_KEYS_EXCEEDED_MAX": "There are too many DS records",
    "IDN_INVALID_CHARACTER": "The internationalised name has a character that is not allowed",
    "IDN_INVALID_DOMAINNAME": "The internationalised name is not valid",
    "IDN_MALFORMED_DOMAINNAME": "The internationalised name is not well-formed",
    "IDN_UNICODE_MISMATCH": "The Unicode form is not that of the domain name",
    "HANDLE_ALREADY_EXISTS": "The handle exists already",
    "HANDLE_DOES_NOT_EXIST": "The handle does not exist",
    "HANDLE_ID_WITH_CONTACT_FIELDS": "A contact is either a handle or fields, not both",
    "HANDLE_ID_ON_REGISTRAR_CREATE": "The contacts of a new registrar can't be handles",
    "INVALID_PASSWORD": "The password is not acceptable",
    "INVALID_REGISTRAR_ID_FILTER": "The filter is not a registrar id",
    "INVALID_EXPLICIT_REGISTRAR_ID": "The id can't be given to a new registrar",
    "INVALID_EFFECTIVE_REGISTRAR_ID_IN_CreateRegistrar": "A registrar is created by the registry as itself",
    "REMOVING_REGISTRAR_ROLE": "A registrar that holds domains keeps its role",
    "INVALID_ADDRESS": "The network address is not valid",
    "INVALID_ADDRESS_FILTER": "The address filter is not valid",
    "LIST_ENTRY_ALREADY_EXISTS": "The entry is on the list already",
}


def refusal(error_id: str, *details: str) -> SRSError:
    """The error that refuses one action; the details are in the order of srs.errors.ERRORS."""
    return SRSError(error_id, _TEXTS[error_id], details, hint=ERRORS[error_id].hint)
