"""What a refusal of the registry becomes in EPP: ErrorId to result code, and the error as a whole."""

from __future__ import annotations

from collections.abc import Mapping

from srs_epp.epp.results import (
    AssociationProhibits,
    AuthenticationError,
    AuthorizationError,
    CommandFailed,
    CommandFailedClosing,
    CommandUseError,
    EppError,
    InvalidAuthInfo,
    NotEligibleForTransfer,
    ObjectDoesNotExist,
    ObjectExists,
    PolicyError,
    PolicyViolation,
    StatusProhibits,
)
from srs_epp.srs.backend import BackendError, NotSent, Unacceptable
from srs_epp.srs.errors import SRSError
from srs_epp.srs.recovery import NotDone

_IDS: Mapping[type[EppError], str] = {
    CommandUseError: """
        CONFLICTING_RESULTS_PARAMETERS DELETE_FLAG_WITH_OTHER_FIELDS DOMAIN_CANCEL_AND_RENEW INVALID_FIELDSET
    """,
    NotEligibleForTransfer: "CONVERT_TO_HANDLES_ONLY_FOR_TRANSFER",
    AuthenticationError: "PUBLIC_KEY_INVALID SIG_INVALID SIG_VERIFY_FAILED UNKNOWN_REGISTRAR",
    AuthorizationError: """
        DOMAIN_ASSIGNED_TO_NON_REGISTRAR LOCK_ATTEMPT MODERATED_DOMAIN_VIOLATION
        NOT_PERMITTED_TO_FILTER_REGISTRAR_BY_NAME PERMISSION_DENIED
    """,
    InvalidAuthInfo: "UDAI_DOMAIN_MISMATCH",
    ObjectExists: """
        DOMAIN_ALREADY_EXISTS HANDLE_ALREADY_EXISTS JOB_ALREADY_EXISTS LIST_ENTRY_ALREADY_EXISTS
    """,
    ObjectDoesNotExist: """
        ALREADY_ACKED_MESSAGE EFFECTIVE_REGISTRAR_DOES_NOT_EXIST HANDLE_DOES_NOT_EXIST JOB_UNKNOWN
        MESSAGE_DOES_NOT_EXIST
    """,
    StatusProhibits: """
        ALLOWED_2LD_FOR_REGISTRAR CANCELLED_TRANSFER_WITH_UPDATE DOMAIN_INACTIVE DOMAIN_IS_NOT_CANCELLED
        DOMAIN_LOCKED DOMAIN_WITH_BILL_DAY OWNERSHIP_RESTRICTION RENEW_NOT_REQUIRED
        TRANSFER_WITHIN_GRACE_PERIOD
    """,
    AssociationProhibits: "HANDLE_IN_USE REMOVING_REGISTRAR_ROLE",
    PolicyError: """
        ACTION_ID_ALREADY_USED BILLED_UNTIL_IN_PAST BILLED_UNTIL_TOO_FAR_IN_FUTURE
        FINAL_RUNTIME_BEFORE_FIRST_RUNTIME FIRST_RUNTIME_PAST FREQUENCY_TOO_SMALL
        HANDLE_ID_WITH_CONTACT_FIELDS IDN_DOMAINNAME_MISMATCH IDN_INVALID_CHARACTER IDN_INVALID_DOMAINNAME
        IDN_INVALID_UNICODE IDN_MALFORMED_DOMAINNAME IDN_UNDEFINED_UNICODE IDN_UNICODE_MISMATCH
        INSUFFICIENT_TERM_FOR_RENEW INVALID_ADDRESS INVALID_ADDRESS_FILTER INVALID_CCTLD INVALID_DATE_RANGE
        INVALID_EFFECTIVE_REGISTRAR_ID_IN_CreateRegistrar INVALID_EXPLICIT_REGISTRAR_ID INVALID_FIELD
        INVALID_PASSWORD INVALID_REGISTRAR_ID_FILTER INVALID_WILDCARD_IN_DOMAINNAMEFILTER IP4ADDR_NOT_ALLOWED
        IP6ADDR_NOT_ALLOWED MISSING_MANDATORY_FIELD MULTIPLE_VALUE_IN_FIELD NAMESERVERS_EXCEEDED_MAX
        NAME_SERVER_DUPLICATION NUMBER_OF_FILTERS_EXCEEDS_MAX PAST_EFFECTIVE_DATE RENEWAL_EXCEEDS_MAX
        RENEW_REQUIRES_TERM RUNLOG_QRY_PARAM_WITHOUT_PROCESS SELF_SERVING_DNS_VIOLATION TERM_EXCEEDS_MAX
        UNDEFINED_VALUE ZERO_TERM_RENEW
    """,
    PolicyViolation: """
        DNSSEC_2LD_NOT_ALLOWED DOMAIN_BLOCKED DOUBLE_CANCEL_ATTEMPT HANDLE_ID_ON_REGISTRAR_CREATE
        IDN_NOT_ALLOWED MULTIPLE_DOMAIN_TRANSFER REGISTRY_MUST_BE_EFFECTIVE_REGISTRAR
        REGISTRY_MUST_NOT_BE_EFFECTIVE_REGISTRAR
    """,
    # a registry that is closed for a while: nobody is helped by every client's reconnecting
    CommandFailed: """
        CONSENT_ERROR INCORRECT_EFFECTIVE_REGISTRAR INSECURE_UPDATE INVALID_EFFECTIVE_REGISTRAR LOCK_ERROR
        MESSAGE_TOO_LARGE NO_ACTION NO_MESSAGE_FILTER_VALUES REQUEST_TOO_LONG SYSTEM_MAINTENANCE
        SYSTEM_MIGRATION SYSTEM_OFFLINE SYSTEM_READONLY UNEXPECTED_FIELD UNKNOWN_TRANSACTION_TYPE
    """,
    CommandFailedClosing: """
        CONCURRENT_ACK EXTRA_POST_PARAMETERS INTERNAL_ERROR MISSING_POST_PARAMETERS SYSTEM_ERROR
        UNDETERMINED_RESULT VERMAJOR_TOO_HIGH WRONG_MIME_TYPE XML_PARSE_ERROR
    """,
}

BY_ID: Mapping[str, type[EppError]] = {
    error_id: error for error, error_ids in _IDS.items() for error_id in error_ids.split()
}

_BY_HINT: Mapping[str, type[EppError]] = {
    "MALFORMED_REQUEST_ERROR": PolicyError,
    "INVALID_REQUEST_ERROR": PolicyViolation,
    "TEMPORARY_SERVER_ERROR": CommandFailedClosing,
}
_BY_SEVERITY: Mapping[str, type[EppError]] = {"alert": CommandFailedClosing, "crit": CommandFailedClosing}

_FIELD_NAMES = ("fieldName", "FieldName")
_SECRET_FIELDS = frozenset({"UDAI", "Password", "EPPAuth"})  # authInfo and passwords are never echoed


def kind_of(error: SRSError) -> type[EppError]:
    """The EPP error for an ErrorId: by the table, else by the hint, else by the severity, else 2400."""
    return (
        BY_ID.get(error.error_id)
        or _BY_HINT.get(error.hint)
        or _BY_SEVERITY.get(error.severity)
        or CommandFailed
    )


def translate(error: SRSError) -> EppError:
    """The EPP error that the registry's becomes.

    ``msg`` is the Description; the first detail becomes the value, with the reason that the details name.
    """
    kind = kind_of(error)
    described = error.description or None
    details = error.named_details()
    if not details:
        return kind(message=described)
    name, value = details[0]
    field = next((text for other, text in details[1:] if other in _FIELD_NAMES), None)
    if field in _SECRET_FIELDS:
        value = field
    return kind(f"value of '{field}'" if field else name or error.description, value=value, message=described)


def unusable(failure: BackendError, *, wrote: bool) -> EppError:
    """The error of a command to which the registry gave no usable answer.

    ``wrote``: the command changes something, so that it matters whether the registry has done it.
    """
    if isinstance(failure, NotSent):
        return CommandFailed("registry not reachable")
    if isinstance(failure, NotDone):
        return CommandFailed("not done")
    if wrote:
        return CommandFailed("outcome unknown")
    if isinstance(failure, Unacceptable):
        return CommandFailedClosing("the registry's answer can't be used")
    return CommandFailed("the registry did not answer")
