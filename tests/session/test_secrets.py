"""No password, authInfo or hash in any log, nor in what goes back to the client."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest

from srs_epp.epp.login import Login
from srs_epp.epp.reader import read
from srs_epp.srs.actions import DomainDetailsQry, RegistrarUpdate, UDAIValidQry
from srs_epp.srs.backend import Unacceptable, Unanswered
from tests.epp import documents
from tests.support import records
from tests.support.conversation import HELLO, LOGIN, Conversation, create
from tests.support.registry import PASSWORD, password_hash

SECRETS = ("hunter2!", "n3w-pass", "a-secret", PASSWORD, password_hash(PASSWORD))
WRONG = LOGIN.replace(PASSWORD, "hunter2!")
CHANGING = LOGIN.replace("<options>", "<newPW>n3w-pass</newPW><options>")
CREATE = create().replace("2fooBAR", "a-secret")
INFO = documents.DOCUMENTS["domain-info-hosts-none"].replace("2fooBAR", "a-secret")
UNITS = {
    "a login": LOGIN,
    "a wrong password": WRONG,
    "a new password": CHANGING,
    "a password that is too long": LOGIN.replace(PASSWORD, "hunter2!" * 9),
    "a password with an element in it": LOGIN.replace(PASSWORD, "hunter2!<b>hunter2!</b>"),
    "a password with an attribute": LOGIN.replace("<pw>", "<pw x='hunter2!'>"),
    "a password in the wrong place": LOGIN.replace("<clID>", "<pw>hunter2!</pw><clID>"),
    "a password of another namespace": LOGIN.replace("<clID>", "<pw xmlns='urn:x'>hunter2!</pw><clID>"),
    "a login cut off": LOGIN[: LOGIN.index("</pw>")],
    "text beside the password": LOGIN.replace("<pw>", "hunter2!<pw>"),
    "a create": CREATE,
    "an info": INFO,
    "authInfo with text in it": CREATE.replace("<domain:pw>", "a-secret<domain:pw>"),
    "authInfo of the wrong form": CREATE.replace("<domain:pw>", "<domain:pw roid='a-secret'>"),
    "authInfo in the wrong place": INFO.replace("<domain:authInfo>", "").replace("</domain:authInfo>", ""),
    "two of them": INFO.replace("</domain:info>", documents.SECRET + "</domain:info>").replace(
        "2fooBAR", "a-secret"
    ),
    "a contact's": documents.DOCUMENTS["contact-info-secret"].replace("2fooBAR", "a-secret"),
}


@pytest.mark.parametrize("unit", UNITS.values(), ids=UNITS)
@pytest.mark.parametrize("open_session", [Conversation.opened, Conversation.logged_in])
def test_no_secret_is_logged_or_sent_back(
    unit: str, open_session: Callable[[], Conversation], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    conversation = open_session()

    answers = conversation.ask(unit, HELLO)

    assert len(answers) == 2
    for secret in SECRETS:
        assert secret not in caplog.text
        assert secret not in answers[0].xml


@pytest.mark.parametrize(
    "failure",
    [Unanswered("time-out"), Unacceptable("not signed"), ZeroDivisionError("bug")],
    ids=lambda failure: type(failure).__name__,
)
@pytest.mark.parametrize("exchange", [0, 1])
def test_a_failing_login_logs_no_secret(
    failure: Exception, exchange: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    conversation = Conversation.opened()
    conversation.registry.mishaps = [*[None] * exchange, failure]

    [answer] = conversation.ask(CHANGING)

    assert answer.code >= 2400
    assert not [secret for secret in SECRETS if secret in caplog.text]


def test_a_registry_that_names_a_refused_secret_is_not_quoted() -> None:
    conversation = Conversation.logged_in()
    conversation.registry.answers[DomainDetailsQry] = lambda action: records.result(records.domain())
    conversation.registry.answers[UDAIValidQry] = lambda action: records.refused(
        "INVALID_FIELD", "Malformed", action.udai, "UDAI"
    )

    [answer] = conversation.ask(INFO.replace("a-secret", "Hk7mNp2Q"))

    assert (answer.code, answer.reason) == (2306, "value of 'UDAI'")
    assert "Hk7mNp2Q" not in answer.xml


def test_a_new_password_that_was_not_set_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    conversation = Conversation.opened()
    conversation.registry.answers[RegistrarUpdate] = lambda action: records.registrar(password_hash(PASSWORD))

    assert conversation.codes(CHANGING) == [2400]

    assert not [secret for secret in SECRETS if secret in caplog.text]


@pytest.mark.parametrize("unit", [WRONG, CHANGING, CREATE, INFO])
def test_a_command_shown_by_a_debugger_shows_no_secret(unit: str) -> None:
    command = read(unit.encode())

    assert not [secret for secret in SECRETS if secret in repr(command)]
    if command.verb == "login":
        assert command.element is not None
        assert not [secret for secret in SECRETS if secret in repr(Login.read(command.element))]
