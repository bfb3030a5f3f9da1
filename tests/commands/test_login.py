"""login and logout: what is asked before anybody is let in, and how little is told to who is not."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest

from srs_epp.srs.actions import AccessControlListQry, Action, RegistrarDetailsQry, RegistrarUpdate
from srs_epp.srs.crypt import hash_password
from srs_epp.srs.errors import SRSError
from srs_epp.srs.results import Result
from tests.epp import documents
from tests.support import records
from tests.support.mappings import SERVER_TRID, Dialogue, run
from tests.support.registry import PASSWORD, password_hash

LOGIN = documents.login()
CHANGING = documents.login("<newPW>n3w-pass</newPW>")
WELCOME = (records.registrar(password_hash(PASSWORD)), records.entries(1))
NEW_HASH = records.registrar(password_hash("n3w-pass"))
CERTIFIED = {"require_client_certificate": True, "tls_client_ca": "ca.pem"}


def ip_query(address: str, registrar: int = 100) -> AccessControlListQry:
    return AccessControlListQry(
        resource="epp_connect", type="registrar_ip", registrar_id=registrar, address=address
    )


def name_query(name: str) -> AccessControlListQry:
    return AccessControlListQry(
        resource="epp_client_certs", type="registrar_domain", registrar_id=100, domain_name=name
    )


def refused(dialogue: Dialogue) -> bool:
    """Whether it is the one answer that all get who are not let in."""
    answer = dialogue.answer
    return (answer.code, answer.message, answer.value) == (2200, "Authentication error", None)


# -- what is asked


def test_a_login_asks_for_the_registrar_and_its_address_alone_on_its_own_behalf() -> None:
    dialogue = run(LOGIN, WELCOME)

    assert dialogue.answer.code == 1000
    assert dialogue.asked == [[RegistrarDetailsQry(100), ip_query("192.0.2.7")]]
    assert (dialogue.asks[0].alone, dialogue.asks[0].registrar) == (True, 100)


@pytest.mark.parametrize(("written", "number"), [("007", 7), ("000100", 100), ("  057 ", 57)])
def test_leading_zeros_of_a_registrar_are_dropped(written: str, number: int) -> None:
    dialogue = run(LOGIN.replace(">100<", f">{written}<"), WELCOME)

    assert dialogue.asked == [[RegistrarDetailsQry(number), ip_query("192.0.2.7", number)]]
    assert dialogue.asks[0].registrar == number


@pytest.mark.parametrize(
    ("address", "asked"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8::7", "2001:db8::7"),
        ("2001:0DB8:0:0::7", "2001:db8::7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("::ffff:c000:207", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::1"),
        ("::1", "::1"),
    ],
)
def test_the_registry_is_asked_for_the_address_as_it_knows_it(address: str, asked: str) -> None:
    assert ip_query(asked) in run(LOGIN, WELCOME, address=address).asked[0]


def test_where_certificates_are_required_each_of_their_names_is_asked_for() -> None:
    names = ["epp.example.nz", "example.nz"]

    dialogue = run(
        LOGIN, (*WELCOME, records.entries(0), records.entries(1)), certificate_names=names, settings=CERTIFIED
    )

    assert dialogue.answer.code == 1000
    assert dialogue.asked[0][2:] == [name_query("epp.example.nz"), name_query("example.nz")]


def test_of_a_certificate_with_very_many_names_eight_are_asked_for() -> None:
    names = [f"n{n}.example.nz" for n in range(20)]

    dialogue = run(LOGIN, (*WELCOME, *[records.entries(1)] * 8), certificate_names=names, settings=CERTIFIED)

    assert dialogue.asked[0][2:] == [name_query(name) for name in names[:8]]


@pytest.mark.parametrize("name", ["*", "*.example.nz", "epp.example.n?", "", " ", "\t"])
def test_a_name_that_would_be_on_every_list_is_not_asked_for(name: str) -> None:
    dialogue = run(LOGIN, WELCOME, certificate_names=[name], settings=CERTIFIED)

    assert refused(dialogue)
    assert len(dialogue.asked[0]) == len(WELCOME)


def test_where_certificates_are_not_required_their_names_do_not_matter() -> None:
    dialogue = run(LOGIN, WELCOME, certificate_names=["epp.example.nz"])

    assert dialogue.answer.code == 1000
    assert len(dialogue.asked[0]) == 2


def test_of_several_registrars_in_the_answer_one_must_be_the_one_asked_for() -> None:
    details = replace(records.registrar(password_hash(PASSWORD), 90), originating_registrar_id=100)

    assert run(LOGIN, (details, WELCOME[1])).answer.code == 1000


def test_the_answer_to_the_login_of_another_lets_nobody_in(caplog: pytest.LogCaptureFixture) -> None:
    details = replace(records.registrar(password_hash(PASSWORD), 101), originating_registrar_id=101)
    entries = replace(records.entries(1), originating_registrar_id=101)

    assert refused(run(LOGIN, (details, entries)))
    assert "the registry's answer to the login of registrar '100' is about another" in caplog.text


# -- who is refused


REFUSALS = {
    "a wrong password": (records.registrar(password_hash("another")), records.entries(1)),
    "no password set": (records.registrar(None), records.entries(1)),
    "a hash of no known kind": (records.registrar("$nothing$"), records.entries(1)),
    "no such registrar": (records.result(), records.entries(1)),
    "an address that is not on the list": (records.registrar(password_hash(PASSWORD)), records.entries(0)),
    "no list of addresses": (records.registrar(password_hash(PASSWORD)), records.result()),
}


@pytest.mark.parametrize("results", REFUSALS.values(), ids=REFUSALS)
def test_whatever_is_wrong_the_answer_is_the_same(results: tuple[Result, ...]) -> None:
    assert refused(run(LOGIN, results))


@pytest.mark.parametrize(
    "names",
    [[], ["epp.example.nz"], ["a.nz", "b.nz"]],
    ids=["no name", "a name that is not on the list", "several of them"],
)
def test_a_certificate_that_is_required_and_unknown_is_no_certificate(names: list[str]) -> None:
    results = (*WELCOME, *[records.entries(0)] * len(names))

    assert refused(run(LOGIN, results, certificate_names=names, settings=CERTIFIED))


@pytest.mark.parametrize("client", ["abc", "10x", "-12", "1.5", "+100", "0x64", "١٠٠", "100 1", "²²²"])  # noqa: RUF001
def test_a_client_that_is_no_number_is_refused_and_the_registry_not_asked(client: str) -> None:
    dialogue = run(LOGIN.replace(">100<", f">{client}<"))

    assert refused(dialogue)
    assert dialogue.asked == []


@pytest.mark.parametrize(
    "error_id", ["UNKNOWN_REGISTRAR", "SIG_INVALID", "SIG_VERIFY_FAILED", "PUBLIC_KEY_INVALID"]
)
@pytest.mark.parametrize("whole", [True, False])
def test_what_the_registry_says_of_an_unknown_registrar_is_not_shown(error_id: str, whole: bool) -> None:
    error = SRSError(error_id, "There is no registrar 100", ("100",), whole=whole)
    results = error if whole else (Result("8,1", None, error=error), records.entries(1))

    assert refused(run(LOGIN, results))


def test_another_error_of_the_registry_is_told_as_it_is() -> None:
    answer = run(LOGIN, SRSError("SYSTEM_OFFLINE", "Closed until noon", whole=True)).answer

    assert (answer.code, answer.message) == (2400, "Closed until noon")


@pytest.mark.parametrize(
    ("results", "why"),
    [
        (REFUSALS["a wrong password"], "wrong password, or none set"),
        (REFUSALS["no list of addresses"], "the address is not on the registrar's list"),
    ],
)
def test_the_log_says_why_a_login_was_refused(
    results: tuple[Result, ...], why: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)

    run(LOGIN, results)

    assert f"login of registrar '100' refused: {why}" in caplog.messages


@pytest.mark.parametrize("document", [LOGIN, LOGIN.replace(">100<", ">abc<")], ids=["asked", "not asked"])
def test_every_refusal_takes_its_second(document: str) -> None:
    results = [] if ">abc<" in document else [REFUSALS["a wrong password"]]

    [delay] = run(document, *results).slept

    assert 0.5 < delay <= 1


def test_a_password_hash_with_an_odd_salt_is_verified() -> None:
    hashed = hash_password(PASSWORD, "$5$@%z675Kt$")

    assert run(LOGIN, (records.registrar(hashed), records.entries(1))).answer.code == 1000


# -- a new password


def test_a_new_password_is_set_after_the_login_and_seen_to_hold() -> None:
    dialogue = run(CHANGING, WELCOME, (NEW_HASH,))

    assert dialogue.answer.code == 1000
    assert dialogue.asked[1] == [RegistrarUpdate(action_id="TEST-0001", epp_password="n3w-pass")]
    assert (dialogue.asks[1].alone, dialogue.asks[1].registrar) == (True, 100)


def test_without_a_cltrid_a_new_password_is_set_under_our_own_identifier() -> None:
    dialogue = run(CHANGING.replace("<clTRID>TEST-0001</clTRID>", ""), WELCOME, (NEW_HASH,))

    assert dialogue.asked[1] == [RegistrarUpdate(action_id=SERVER_TRID, epp_password="n3w-pass")]


def test_a_new_password_is_not_set_for_who_is_refused() -> None:
    dialogue = run(CHANGING, REFUSALS["a wrong password"])

    assert refused(dialogue)
    assert len(dialogue.asked) == 1


@pytest.mark.parametrize(
    "answer",
    [records.registrar(password_hash(PASSWORD)), records.registrar(None), records.result()],
    ids=["the old one", "no hash", "no registrar"],
)
def test_a_new_password_that_does_not_hold_is_2400(answer: Result) -> None:
    found = run(CHANGING, WELCOME, (answer,)).answer

    assert (found.code, found.message) == (2400, "Command failed: the new password was not set")


def test_a_new_password_that_the_registry_refuses_is_told() -> None:
    refusal = records.refused("INVALID_PASSWORD", "Too simple")

    answer = run(CHANGING, WELCOME, (refusal,)).answer

    assert (answer.code, answer.message) == (2306, "Too simple")


def test_an_authentication_error_of_the_change_is_a_refusal_like_any_other() -> None:
    dialogue = run(CHANGING, WELCOME, (records.refused("SIG_INVALID", "Whose key is this?"),))

    assert refused(dialogue)
    assert len(dialogue.slept) == 1


# -- captured answers, and logout


def test_a_captured_answer_to_a_login_lets_in_who_knows_the_password() -> None:
    results = records.captured("login-accepted")

    def login(password: str) -> Dialogue:
        return run(
            LOGIN.replace(PASSWORD, password),
            results,
            certificate_names=["epp.example.nz"],
            settings=CERTIFIED,
        )

    assert login("foobar").answer.code == 1000
    assert refused(login("foobaz"))


def test_a_captured_answer_without_list_entries_lets_nobody_in() -> None:
    results = records.captured("login-refused-by-acl")

    assert refused(
        run(
            LOGIN.replace(PASSWORD, "foobar"),
            results,
            certificate_names=["epp.example.nz"],
            settings=CERTIFIED,
        )
    )


def test_a_logout_asks_nothing_and_is_1500() -> None:
    dialogue = run(documents.DOCUMENTS["epp-logout-with-clTRID"])

    assert (dialogue.answer.code, dialogue.answer.client_trid) == (1500, "bye")
    assert dialogue.asked == []


def _actions(dialogue: Dialogue) -> list[Action]:
    return [action for actions in dialogue.asked for action in actions]


def test_no_question_shows_a_password_when_it_is_printed() -> None:
    assert "n3w-pass" not in repr(_actions(run(CHANGING, WELCOME, (NEW_HASH,))))
