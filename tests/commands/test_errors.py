"""What the registry's errors become: every ErrorId, the fallbacks, value and reason."""

from __future__ import annotations

import pytest

from srs_epp.commands.errors import BY_ID, kind_of, translate, unusable
from srs_epp.srs.backend import BackendError, NotSent, Unacceptable, Unanswered
from srs_epp.srs.errors import ERRORS, SRSError
from srs_epp.srs.recovery import NotDone
from tests.support import records
from tests.support.answers import Answer

# the registry's documentation, area by area, and where EPP wants another code than the first proxy gave
CODES = {
    # the whole request, and transport
    "MISSING_POST_PARAMETERS": 2500, "EXTRA_POST_PARAMETERS": 2500, "WRONG_MIME_TYPE": 2500,
    "REQUEST_TOO_LONG": 2400, "MESSAGE_TOO_LARGE": 2400, "XML_PARSE_ERROR": 2500, "VERMAJOR_TOO_HIGH": 2500,
    "INSECURE_UPDATE": 2400, "UNKNOWN_REGISTRAR": 2200, "SIG_INVALID": 2200, "SIG_VERIFY_FAILED": 2200,
    "PUBLIC_KEY_INVALID": 2200, "NO_ACTION": 2400, "UNKNOWN_TRANSACTION_TYPE": 2400, "SYSTEM_ERROR": 2500,
    "INTERNAL_ERROR": 2500, "UNDETERMINED_RESULT": 2500, "LOCK_ERROR": 2400,
    # a registry that is closed for a while is no reason to close sessions
    "SYSTEM_MAINTENANCE": 2400, "SYSTEM_MIGRATION": 2400, "SYSTEM_OFFLINE": 2400, "SYSTEM_READONLY": 2400,
    # any action: values and fields
    "ACTION_ID_ALREADY_USED": 2306, "MISSING_MANDATORY_FIELD": 2306, "INVALID_FIELD": 2306,
    "UNDEFINED_VALUE": 2306, "UNEXPECTED_FIELD": 2400, "MULTIPLE_VALUE_IN_FIELD": 2306,
    "INVALID_FIELDSET": 2002, "INVALID_DATE_RANGE": 2306, "CONFLICTING_RESULTS_PARAMETERS": 2002,
    "NUMBER_OF_FILTERS_EXCEEDS_MAX": 2306, "CONSENT_ERROR": 2400,
    # permission, and the effective registrar
    "PERMISSION_DENIED": 2201, "INVALID_EFFECTIVE_REGISTRAR": 2400, "INCORRECT_EFFECTIVE_REGISTRAR": 2400,
    "EFFECTIVE_REGISTRAR_DOES_NOT_EXIST": 2303, "REGISTRY_MUST_BE_EFFECTIVE_REGISTRAR": 2308,
    "REGISTRY_MUST_NOT_BE_EFFECTIVE_REGISTRAR": 2308, "DOMAIN_ASSIGNED_TO_NON_REGISTRAR": 2201,
    "NOT_PERMITTED_TO_FILTER_REGISTRAR_BY_NAME": 2201, "LOCK_ATTEMPT": 2201,
    # domains
    "DOMAIN_ALREADY_EXISTS": 2302, "DOMAIN_BLOCKED": 2308, "INVALID_CCTLD": 2306,
    "MODERATED_DOMAIN_VIOLATION": 2201, "ALLOWED_2LD_FOR_REGISTRAR": 2304, "OWNERSHIP_RESTRICTION": 2304,
    "DOMAIN_INACTIVE": 2304, "DOMAIN_IS_NOT_CANCELLED": 2304, "DOMAIN_LOCKED": 2304,
    "DOUBLE_CANCEL_ATTEMPT": 2308, "DOMAIN_CANCEL_AND_RENEW": 2002, "TERM_EXCEEDS_MAX": 2306,
    "RENEWAL_EXCEEDS_MAX": 2306, "RENEW_REQUIRES_TERM": 2306, "ZERO_TERM_RENEW": 2306,
    "INSUFFICIENT_TERM_FOR_RENEW": 2306, "RENEW_NOT_REQUIRED": 2304, "DOMAIN_WITH_BILL_DAY": 2304,
    "BILLED_UNTIL_IN_PAST": 2306, "BILLED_UNTIL_TOO_FAR_IN_FUTURE": 2306, "UDAI_DOMAIN_MISMATCH": 2202,
    "TRANSFER_WITHIN_GRACE_PERIOD": 2304, "CANCELLED_TRANSFER_WITH_UPDATE": 2304,
    "MULTIPLE_DOMAIN_TRANSFER": 2308, "INVALID_WILDCARD_IN_DOMAINNAMEFILTER": 2306,
    "CONVERT_TO_HANDLES_ONLY_FOR_TRANSFER": 2106,  # ours: not eligible for transfer
    # name servers and DNSSEC
    "NAMESERVERS_EXCEEDED_MAX": 2306, "NAME_SERVER_DUPLICATION": 2306, "IP4ADDR_NOT_ALLOWED": 2306,
    "IP6ADDR_NOT_ALLOWED": 2306, "SELF_SERVING_DNS_VIOLATION": 2306, "DNSSEC_2LD_NOT_ALLOWED": 2308,
    "DNSSEC_KEYS_EXCEEDED_MAX": 2308,  # by its hint
    # IDN
    "IDN_NOT_ALLOWED": 2308, "IDN_INVALID_CHARACTER": 2306, "IDN_INVALID_DOMAINNAME": 2306,
    "IDN_INVALID_UNICODE": 2306, "IDN_MALFORMED_DOMAINNAME": 2306, "IDN_UNDEFINED_UNICODE": 2306,
    "IDN_DOMAINNAME_MISMATCH": 2306, "IDN_UNICODE_MISMATCH": 2306,
    # handles
    "HANDLE_ALREADY_EXISTS": 2302, "HANDLE_DOES_NOT_EXIST": 2303, "HANDLE_IN_USE": 2305,
    "HANDLE_ID_WITH_CONTACT_FIELDS": 2306, "HANDLE_ID_ON_REGISTRAR_CREATE": 2308,
    "DELETE_FLAG_WITH_OTHER_FIELDS": 2002,
    # messages
    "MESSAGE_DOES_NOT_EXIST": 2303, "ALREADY_ACKED_MESSAGE": 2303, "CONCURRENT_ACK": 2500,
    "NO_MESSAGE_FILTER_VALUES": 2400,
    # registrars and access lists
    "INVALID_PASSWORD": 2306, "INVALID_REGISTRAR_ID_FILTER": 2306, "INVALID_EXPLICIT_REGISTRAR_ID": 2306,
    "INVALID_EFFECTIVE_REGISTRAR_ID_IN_CreateRegistrar": 2306, "REMOVING_REGISTRAR_ROLE": 2305,
    "INVALID_ADDRESS": 2306, "INVALID_ADDRESS_FILTER": 2306, "LIST_ENTRY_ALREADY_EXISTS": 2302,
    # jobs of the registry
    "JOB_ALREADY_EXISTS": 2302, "JOB_UNKNOWN": 2303, "FIRST_RUNTIME_PAST": 2306,
    "FINAL_RUNTIME_BEFORE_FIRST_RUNTIME": 2306, "FREQUENCY_TOO_SMALL": 2306, "PAST_EFFECTIVE_DATE": 2306,
    "RUNLOG_QRY_PARAM_WITHOUT_PROCESS": 2306,
}  # fmt: skip


def answer_to(
    error_id: str, description: str = "", *details: str, hint: str = "", severity: str = "err"
) -> Answer:
    return Answer.to(translate(SRSError(error_id, description, details, hint=hint, severity=severity)))


# -- codes


def test_every_error_that_the_registry_knows_is_in_the_table() -> None:
    assert set(ERRORS) == set(CODES)


def test_every_error_has_its_code() -> None:
    found = {error_id: kind_of(SRSError(error_id, hint=ERRORS[error_id].hint)).code for error_id in CODES}

    assert found == CODES


def test_only_one_error_gets_its_code_by_its_hint() -> None:
    assert set(CODES) - set(BY_ID) == {"DNSSEC_KEYS_EXCEEDED_MAX"}
    assert set(BY_ID) <= set(ERRORS)


@pytest.mark.parametrize(
    ("hint", "severity", "code"),
    [
        ("MALFORMED_REQUEST_ERROR", "err", 2306),
        ("INVALID_REQUEST_ERROR", "err", 2308),
        ("TEMPORARY_SERVER_ERROR", "err", 2500),
        ("INVALID_REQUEST_ERROR", "crit", 2308),
        ("UNKNOWN_ERROR_HINT", "alert", 2500),
        ("UNKNOWN_ERROR_HINT", "crit", 2500),
        ("SRS::Error::UNKNOWN_ERROR", "err", 2400),
        ("", "err", 2400),
        ("", "", 2400),
        ("", "notice", 2400),
    ],
)
def test_an_error_nobody_knows_is_told_by_its_hint_else_by_its_severity(
    hint: str, severity: str, code: int
) -> None:
    assert answer_to("NEVER_HEARD_OF", hint=hint, severity=severity).code == code


def test_the_table_goes_before_hint_and_severity() -> None:
    assert answer_to("HANDLE_IN_USE", hint="TEMPORARY_SERVER_ERROR", severity="alert").code == 2305


# -- message, value and reason


def test_the_description_is_the_message() -> None:
    answer = answer_to("DOMAIN_BLOCKED", "The name <b> & others may not be registered")

    assert answer.message == "The name <b> & others may not be registered"
    assert (answer.value, answer.reason) == (None, None)


def test_without_a_description_the_message_is_the_rfcs() -> None:
    assert answer_to("DOMAIN_BLOCKED").message == "Data management policy violation"


@pytest.mark.parametrize(
    ("error_id", "details", "value", "reason"),
    [
        ("INVALID_FIELD", ("x.te", "DomainName"), "x.te", "value of 'DomainName'"),
        ("INVALID_FIELD", ("x.te",), "x.te", "value"),
        ("INVALID_FIELD", ("x", "PostalAddress", "City"), "x", "value of 'PostalAddress'"),
        ("MISSING_MANDATORY_FIELD", ("UDAI",), "UDAI", "fieldName"),
        ("MISSING_MANDATORY_FIELD", ("Name", "Contact"), "Name", "fieldName"),
        ("MISSING_MANDATORY_FIELD", ("Name", "Contact", "Email"), "Name", "value of 'Email'"),
        (
            "NUMBER_OF_FILTERS_EXCEEDS_MAX",
            ("200", "HandleIdFilter", "100"),
            "200",
            "value of 'HandleIdFilter'",
        ),
        ("UDAI_DOMAIN_MISMATCH", ("kakapo.co.nz",), "kakapo.co.nz", "domainName"),
        ("ACTION_ID_ALREADY_USED", ("ABC-1",), "ABC-1", "actionId"),
        ("NAME_SERVER_DUPLICATION", ("ns1.nz", "kakapo.co.nz"), "ns1.nz", "duplicateNameServer"),
        ("HANDLE_IN_USE", ("moana-1",), "moana-1", "Refused"),
        ("NEVER_HEARD_OF", ("this", "that"), "this", "Refused"),
        ("SYSTEM_ERROR", ("",), "", "systemMessage"),
    ],
)
def test_the_first_detail_is_the_value_and_the_reason_says_what_it_is(
    error_id: str, details: tuple[str, ...], value: str, reason: str
) -> None:
    answer = answer_to(error_id, "Refused", *details)

    assert (answer.message, answer.value_text, answer.reason) == ("Refused", value, reason)


def test_there_is_one_value_however_many_details_there_are() -> None:
    answer = answer_to("RENEWAL_EXCEEDS_MAX", "Too far", "2031-01-01", "120", "kakapo.co.nz")

    assert len(answer.texts("//epp:extValue")) == 1
    assert (answer.value_text, answer.reason) == ("2031-01-01", "expectedBilledUntilDate")


@pytest.mark.parametrize("field", ["UDAI", "Password"])
def test_a_secret_that_the_registry_quotes_is_not_passed_on(field: str) -> None:
    answer = answer_to("INVALID_FIELD", "Malformed", "Hk7mNp2Q", field)

    assert "Hk7mNp2Q" not in answer.xml
    assert (answer.value_text, answer.reason) == (field, f"value of '{field}'")


def test_a_captured_error_of_one_action_is_read_and_told() -> None:
    _, refused = records.captured("error-inside-response")
    assert refused.error is not None

    answer = Answer.to(translate(refused.error))

    assert (answer.code, answer.value_text, answer.reason) == (2202, "mozzarella.co.te", "domainName")
    assert answer.message == "The given UDAI does not match the requested domain"


def test_a_captured_error_of_a_whole_request_is_read_and_told() -> None:
    with pytest.raises(SRSError) as raised:
        records.captured("error-whole-request")

    answer = Answer.to(translate(raised.value))

    assert raised.value.whole
    assert (answer.code, answer.message, answer.reason) == (2500, "XML parse error", "xmlErrorString")
    assert answer.value_text is not None
    assert answer.value_text.startswith(":3: element HandleUpdate: validity error")


# -- no usable answer


@pytest.mark.parametrize(
    ("failure", "of_a_query", "of_a_write"),
    [
        (NotSent("x"), (2400, "registry not reachable"), (2400, "registry not reachable")),
        (Unanswered("x"), (2400, "the registry did not answer"), (2400, "outcome unknown")),
        (Unacceptable("x"), (2500, "the registry's answer can't be used"), (2400, "outcome unknown")),
        (NotDone("x"), (2400, "not done"), (2400, "not done")),
        (BackendError("x"), (2400, "the registry did not answer"), (2400, "outcome unknown")),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_a_failure_is_told_by_what_the_registry_may_have_done(
    failure: BackendError, of_a_query: tuple[int, str], of_a_write: tuple[int, str]
) -> None:
    found = [unusable(failure, wrote=wrote) for wrote in (False, True)]

    assert [(error.code, error.reason) for error in found] == [of_a_query, of_a_write]
