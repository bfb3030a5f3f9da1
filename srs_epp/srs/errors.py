"""What the registry refuses: SRSError, and every ErrorId with the meaning of its details.

Which EPP result an ErrorId becomes stands in commands/errors.py: nothing here knows EPP.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

M = "MALFORMED_REQUEST_ERROR"
I = "INVALID_REQUEST_ERROR"  # noqa: E741 - one letter a hint keeps the table below readable
T = "TEMPORARY_SERVER_ERROR"
U = "UNKNOWN_ERROR_HINT"


class Known(NamedTuple):
    """What is known of an ErrorId."""

    hint: str
    details: tuple[str, ...]


def _known(hint: str, *details: str) -> Known:
    return Known(hint, details)


ERRORS: Mapping[str, Known] = {
    # whole request and transport
    "MISSING_POST_PARAMETERS": _known(T, "parameterName"),
    "EXTRA_POST_PARAMETERS": _known(T, "parameterName"),
    "WRONG_MIME_TYPE": _known(T, "expected", "received"),
    "REQUEST_TOO_LONG": _known(I, "requestSize", "maxSize"),
    "MESSAGE_TOO_LARGE": _known(I, "sizeLimit", "messageSize"),
    "XML_PARSE_ERROR": _known(I, "xmlErrorString"),
    "VERMAJOR_TOO_HIGH": _known(T, "VerMajor"),
    "INSECURE_UPDATE": _known(I),
    "UNKNOWN_REGISTRAR": _known(I, "registrarId"),
    "SIG_INVALID": _known(I),
    "SIG_VERIFY_FAILED": _known(I),
    "PUBLIC_KEY_INVALID": _known(I),
    "NO_ACTION": _known(I),
    "UNKNOWN_TRANSACTION_TYPE": _known(I, "transactionType"),
    "SYSTEM_ERROR": _known(T, "systemMessage"),
    "INTERNAL_ERROR": _known(T),
    "UNDETERMINED_RESULT": _known(T),
    "SYSTEM_MAINTENANCE": _known(T),
    "SYSTEM_MIGRATION": _known(T),
    "SYSTEM_OFFLINE": _known(T),
    "SYSTEM_READONLY": _known(T),
    "LOCK_ERROR": _known(I, "details"),
    # any action: values and fields
    "ACTION_ID_ALREADY_USED": _known(M, "actionId"),
    "MISSING_MANDATORY_FIELD": _known(I, "fieldName", "elementName", "FieldName"),
    "INVALID_FIELD": _known(M, "value", "fieldName"),
    "UNDEFINED_VALUE": _known(M, "fieldName"),
    "UNEXPECTED_FIELD": _known(I, "fieldName"),
    "MULTIPLE_VALUE_IN_FIELD": _known(M, "fieldName"),
    "INVALID_FIELDSET": _known(I),
    "INVALID_DATE_RANGE": _known(M, "fieldName"),
    "CONFLICTING_RESULTS_PARAMETERS": _known(I),
    "NUMBER_OF_FILTERS_EXCEEDS_MAX": _known(M, "numberOfFilters", "fieldName", "maxFilterValues"),
    "CONSENT_ERROR": _known(I, "extraInfo"),
    # permission and effective registrar
    "PERMISSION_DENIED": _known(I, "missingPermission"),
    "INVALID_EFFECTIVE_REGISTRAR": _known(I),
    "INCORRECT_EFFECTIVE_REGISTRAR": _known(I),
    "EFFECTIVE_REGISTRAR_DOES_NOT_EXIST": _known(I, "effectiveRegistrarId"),
    "REGISTRY_MUST_BE_EFFECTIVE_REGISTRAR": _known(I),
    "REGISTRY_MUST_NOT_BE_EFFECTIVE_REGISTRAR": _known(I),
    "DOMAIN_ASSIGNED_TO_NON_REGISTRAR": _known(U, "registrarId"),
    "NOT_PERMITTED_TO_FILTER_REGISTRAR_BY_NAME": _known(I),
    "LOCK_ATTEMPT": _known(I),
    # domain
    "DOMAIN_ALREADY_EXISTS": _known(I, "domainName"),
    "DOMAIN_BLOCKED": _known(I, "domainName"),
    "INVALID_CCTLD": _known("SRS::Error::UNKNOWN_ERROR", "domainName"),
    "MODERATED_DOMAIN_VIOLATION": _known(I, "operation", "domainName"),
    "ALLOWED_2LD_FOR_REGISTRAR": _known(I, "registrarId"),
    "OWNERSHIP_RESTRICTION": _known(I, "domainName"),
    "DOMAIN_INACTIVE": _known(I, "domainName"),
    "DOMAIN_IS_NOT_CANCELLED": _known(I, "domainName"),
    "DOMAIN_LOCKED": _known(I, "domainName"),
    "DOUBLE_CANCEL_ATTEMPT": _known(I, "domainName"),
    "DOMAIN_CANCEL_AND_RENEW": _known(I),
    "TERM_EXCEEDS_MAX": _known(I, "maxRegistrationPeriod"),
    "RENEWAL_EXCEEDS_MAX": _known(M, "expectedBilledUntilDate", "maxBillingTermInMonths", "domainName"),
    "RENEW_REQUIRES_TERM": _known(M, "domainName"),
    "ZERO_TERM_RENEW": _known(M),
    "INSUFFICIENT_TERM_FOR_RENEW": _known(M, "domainName"),
    "RENEW_NOT_REQUIRED": _known(I, "domainName"),
    "DOMAIN_WITH_BILL_DAY": _known(I),
    "BILLED_UNTIL_IN_PAST": _known(M),
    "BILLED_UNTIL_TOO_FAR_IN_FUTURE": _known(M),
    "UDAI_DOMAIN_MISMATCH": _known(I, "domainName"),
    "TRANSFER_WITHIN_GRACE_PERIOD": _known(I, "domainName"),
    "CANCELLED_TRANSFER_WITH_UPDATE": _known(I, "domainName"),
    "MULTIPLE_DOMAIN_TRANSFER": _known(I),
    "INVALID_WILDCARD_IN_DOMAINNAMEFILTER": _known(M),
    "CONVERT_TO_HANDLES_ONLY_FOR_TRANSFER": _known(U),
    # name servers and DNSSEC
    "NAMESERVERS_EXCEEDED_MAX": _known(M, "maxnameServers"),
    "NAME_SERVER_DUPLICATION": _known(M, "duplicateNameServer", "domainName"),
    "IP4ADDR_NOT_ALLOWED": _known(M, "IP4Addr", "FQDN", "domainName"),
    "IP6ADDR_NOT_ALLOWED": _known(M, "IP6Addr", "FQDN", "domainName"),
    "SELF_SERVING_DNS_VIOLATION": _known(M, "domainName", "nameServer"),
    "DNSSEC_KEYS_EXCEEDED_MAX": _known(I, "maximum"),
    "DNSSEC_2LD_NOT_ALLOWED": _known(I),
    # iDN
    "IDN_NOT_ALLOWED": _known(I, "domain"),
    "IDN_INVALID_CHARACTER": _known(M, "domain", "domainnameunicode"),
    "IDN_INVALID_DOMAINNAME": _known(M, "domain", "domainnameunicode"),
    "IDN_INVALID_UNICODE": _known(M, "domain", "domainnameunicode"),
    "IDN_MALFORMED_DOMAINNAME": _known(M, "domain", "domainnameunicode"),
    "IDN_UNDEFINED_UNICODE": _known(M, "domain", "domainnameunicode"),
    "IDN_DOMAINNAME_MISMATCH": _known(M, "domain", "domainnameunicode", "domainnamepunycode"),
    "IDN_UNICODE_MISMATCH": _known(M, "domain", "domainnameunicode"),
    # handles
    "HANDLE_ALREADY_EXISTS": _known(I, "handleId"),
    "HANDLE_DOES_NOT_EXIST": _known(I, "handleId"),
    "HANDLE_IN_USE": _known(U),
    "HANDLE_ID_WITH_CONTACT_FIELDS": _known(M),
    "HANDLE_ID_ON_REGISTRAR_CREATE": _known(I),
    "DELETE_FLAG_WITH_OTHER_FIELDS": _known(I),
    # messages
    "MESSAGE_DOES_NOT_EXIST": _known(U, "originatingRegistrarId", "transId"),
    "ALREADY_ACKED_MESSAGE": _known(I, "originatingRegistrarId", "actionId"),
    "CONCURRENT_ACK": _known(T),
    "NO_MESSAGE_FILTER_VALUES": _known(I),
    # registrars and access lists
    "INVALID_PASSWORD": _known(M, "EPPAuth"),
    "INVALID_REGISTRAR_ID_FILTER": _known(M),
    "INVALID_EXPLICIT_REGISTRAR_ID": _known(M, "requestedRegistrarId"),
    "INVALID_EFFECTIVE_REGISTRAR_ID_IN_CreateRegistrar": _known(
        M, "effectiveRegistrarId", "requestedRegistrarId"
    ),
    "REMOVING_REGISTRAR_ROLE": _known(I),
    "INVALID_ADDRESS": _known(M),
    "INVALID_ADDRESS_FILTER": _known(M),
    "LIST_ENTRY_ALREADY_EXISTS": _known(I),
    # registry jobs (not needed)
    "JOB_ALREADY_EXISTS": _known(I, "jobName", "firstRunTime", "parameters"),
    "JOB_UNKNOWN": _known(I, "jobName", "parameters"),
    "FIRST_RUNTIME_PAST": _known(M),
    "FINAL_RUNTIME_BEFORE_FIRST_RUNTIME": _known(M),
    "FREQUENCY_TOO_SMALL": _known(M),
    "PAST_EFFECTIVE_DATE": _known(M),
    "RUNLOG_QRY_PARAM_WITHOUT_PROCESS": _known(M),
}


class SRSError(Exception):
    """An Error element of a response: the registry refused one action, or (``whole``) the whole request."""

    def __init__(
        self,
        error_id: str,
        description: str = "",
        details: tuple[str, ...] = (),
        *,
        hint: str = "",
        severity: str = "err",
        whole: bool = False,
    ) -> None:
        super().__init__(error_id, description, details)
        self.error_id = error_id
        self.description = description
        self.details = details
        self.hint = hint
        self.severity = severity
        self.whole = whole

    def __str__(self) -> str:
        return f"{self.error_id}: {self.description}" if self.description else self.error_id

    def named_details(self) -> list[tuple[str, str]]:
        """(name, value) of each detail; a detail beyond those that the table names has the last name.

        >>> SRSError("INVALID_FIELD", details=("x.te", "DomainName")).named_details()
        [('value', 'x.te'), ('fieldName', 'DomainName')]
        """
        known = ERRORS.get(self.error_id)
        names = known.details if known else ()
        last = names[-1] if names else ""
        return [(names[i] if i < len(names) else last, value) for i, value in enumerate(self.details)]
