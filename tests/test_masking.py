"""No secret survives in a text that goes to a log."""

from __future__ import annotations

import time
from collections.abc import Callable
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from srs_epp.masking import MASK, mask

SECRET = "tHe-5ecret"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        # elements of EPP
        (f"<pw>{SECRET}</pw>", "<pw>***</pw>"),
        (f"<newPW>{SECRET}</newPW>", "<newPW>***</newPW>"),
        (f"<e:pw>{SECRET}</e:pw>", "<e:pw>***</e:pw>"),
        (f"<epp-1.0:newPW>{SECRET}</epp-1.0:newPW>", "<epp-1.0:newPW>***</epp-1.0:newPW>"),
        (f"<µ·x:pw>{SECRET}</µ·x:pw>", "<µ·x:pw>***</µ·x:pw>"),
        (
            f"<domain:authInfo><domain:pw>{SECRET}</domain:pw></domain:authInfo>",
            "<domain:authInfo><domain:pw>***</domain:pw></domain:authInfo>",
        ),
        (f"<pw roid='1-REP'>{SECRET}</pw>", "<pw roid='1-REP'>***</pw>"),
        (f'<pw\n roid="1-REP"\t>{SECRET}</pw >', '<pw\n roid="1-REP"\t>***</pw >'),
        (f'<pw roid="/">{SECRET}</pw>', '<pw roid="/">***</pw>'),
        (f"<pw>\n  {SECRET}\n</pw>", "<pw>***</pw>"),
        (f"<pw><![CDATA[{SECRET}]]></pw>", "<pw>***</pw>"),
        (f"<pw><![CDATA[a</pw>{SECRET}]]></pw>b", "<pw>***</pw>b"),
        (f"<pw>a<![CDATA[b]]>c<![CDATA[</pw>]]>{SECRET}</pw>d", "<pw>***</pw>d"),
        (f"<pw>a<!-- </pw> -->{SECRET}</pw>b", "<pw>***</pw>b"),
        (f"<pw>a<?b </pw>?>{SECRET}</pw>c", "<pw>***</pw>c"),
        (f"<pw>a&lt;{SECRET}&#x20;</pw>", "<pw>***</pw>"),
        (f"<pw>{SECRET}</pw><newPW>{SECRET}</newPW>", "<pw>***</pw><newPW>***</newPW>"),
        ("<pw></pw>", "<pw>***</pw>"),
        # cut off
        (f"<pw>{SECRET}", "<pw>***"),
        (f"<pw>{SECRET}</p", "<pw>***"),
        (f"<pw><![CDATA[{SECRET}", "<pw>***"),
        (f"<pw><![CDATA[a</pw>{SECRET}", "<pw>***"),
        (f"<pw><!-- a</pw>{SECRET}", "<pw>***"),
        (f"<pw>{SECRET}</newpw> and more", "<pw>***"),
        # not well-formed
        (f"<pw <x>{SECRET}</pw>", "<pw ***</pw>"),
        (f"<pw a='<b>'>{SECRET}</pw>", "<pw a='***</pw>"),
        # attributes of the SRS
        (f'<Domain UDAI="{SECRET}"/>', '<Domain UDAI="***"/>'),
        (f"<Domain UDAI='{SECRET}'/>", "<Domain UDAI='***'/>"),
        (f'<EPPAuth Password="{SECRET}"/>', '<EPPAuth Password="***"/>'),
        (f"<EPPAuth Password = '{SECRET}'/>", "<EPPAuth Password = '***'/>"),
        (f'<EPPAuth\nPassword\n=\n"{SECRET}\n{SECRET}"/>', '<EPPAuth\nPassword\n=\n"***"/>'),
        (f'UDAI="{SECRET}\'{SECRET}" x', 'UDAI="***" x'),
        (f"UDAI='{SECRET}\"{SECRET}' x", "UDAI='***' x"),
        (f'UDAI="{SECRET}', 'UDAI="***"'),
        (f"Password='{SECRET}", "Password='***'"),
        (f'UDAI="" Password="{SECRET}"', 'UDAI="***" Password="***"'),
        # form-encoded
        (f"UDAI%3D%22{SECRET}%22+x", "UDAI%3D%22***%22+x"),
        (f"udai%3d%22{SECRET}%22", "udai%3d%22***%22"),
        (f"Password%3D%27{SECRET}%27%2F", "Password%3D%27***%27%2F"),
        (f"Password+%0a%3d%0D%20%22{SECRET}%22", "Password+%0a%3d%0D%20%22***%22"),
        (f"%3CDomain%0AUDAI%3D%22{SECRET}%22", "%3CDomain%0AUDAI%3D%22***%22"),
        (f"Password%3D'{SECRET}'", "Password%3D'***'"),
        (f"Password=%22{SECRET}%22", "Password=%22***%22"),
        (f"UDAI%3D%22{SECRET}", "UDAI%3D%22***%22"),
        (f"UDAI%3D%22{SECRET}%2", "UDAI%3D%22***%22"),
    ],
)
def test_a_secret_is_masked_and_nothing_else(text: str, masked: str) -> None:
    assert SECRET not in mask(text)
    assert mask(text) == masked
    assert mask(f"before {text}").startswith("before ")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nothing to hide",
        "<pw/> and what follows",
        "<pw roid='1' /> and what follows",
        "<power>on</power>",
        "<domain:name>pw.nz</domain:name>",
        "<clID>100</clID><svTRID>pw-1</svTRID>",
        "</pw> alone",
        '<DomainUpdate NewUDAI="1" ActionId="x"/>',
        "NewUDAI%3D%221%22",
        "UDAI valid, Password wrong",
        'ErrorId="UDAI_DOMAIN_MISMATCH" Hint="INVALID_REQUEST_ERROR"',
        "fieldName = UDAI",
        "r=%3CWhois+DomainName%3D%22udai.nz%22%2F%3E&n=100",
        "pw=visible, as nothing of ours writes it",
    ],
)
def test_other_text_is_left_as_it_is(text: str) -> None:
    assert mask(text) == text


def test_what_stands_around_secrets_stays() -> None:
    text = (
        "<epp><command><login><clID>100</clID><pw>one</pw><newPW>two</newPW></login>"
        '<clTRID>A</clTRID></command></epp> <Domain DomainName="a.nz" UDAI="three" Status="Active"/>'
    )
    assert mask(text) == text.replace("one", MASK).replace("two", MASK).replace("three", MASK)


def test_masking_twice_is_masking_once() -> None:
    text = f'<pw>{SECRET}</pw> UDAI="{SECRET}" UDAI%3D%22{SECRET}%22'
    assert mask(mask(text)) == mask(text)


# so that a secret can't be found by accident in the text around it
MARK = "\u2603"

secrets = st.text(
    st.characters(blacklist_categories=["Cs", "Cc"], blacklist_characters=MARK), max_size=30
).map(lambda text: f"{MARK}{text}{MARK}")


def element(secret: str) -> str:
    return f"<x><domain:pw roid='1'>{escape(secret)}</domain:pw></x>"


def cdata(secret: str) -> str:
    return f"<newPW><![CDATA[{secret.replace(']]>', '')}]]></newPW>"


def attribute(secret: str) -> str:
    return f"<Domain UDAI={quoteattr(secret)} Status='Active'/>"


def encoded(secret: str) -> str:
    return f"r={quote_plus(attribute(secret))}&s=x"


def encoded_but_for_quotes(secret: str) -> str:
    return f"r={quote(attribute(secret), safe=chr(39))}"


PLACES = [element, cdata, attribute]
ENCODED_PLACES = [encoded, encoded_but_for_quotes]


@pytest.mark.parametrize("place", PLACES)
@settings(max_examples=150, deadline=None, database=None)
@given(secret=secrets)
@example(secret=f"{MARK}</pw>{MARK}")
@example(secret=f"{MARK}</newPW>{MARK}")
@example(secret=f"{MARK}<pw/>{MARK}")
@example(secret=f'{MARK}" \' "{MARK}')
@example(secret=f"{MARK}<![CDATA[{MARK}")
@example(secret=f"{MARK}<!--{MARK}")
def test_no_secret_survives_in_any_place(place: Callable[[str], str], secret: str) -> None:
    assert MARK in place(secret)
    assert MARK not in mask(place(secret))


@pytest.mark.parametrize("place", PLACES)
@settings(max_examples=150, deadline=None, database=None)
@given(secret=secrets, data=st.data())
def test_no_secret_survives_where_the_text_is_cut(
    place: Callable[[str], str], secret: str, data: st.DataObject
) -> None:
    text = place(secret)
    assert MARK not in mask(text[: data.draw(st.integers(0, len(text)))])


@pytest.mark.parametrize("lower", [False, True])
@pytest.mark.parametrize("place", ENCODED_PLACES)
@settings(max_examples=150, deadline=None, database=None)
@given(secret=secrets, data=st.data())
def test_no_secret_survives_form_encoded(
    place: Callable[[str], str], lower: bool, secret: str, data: st.DataObject
) -> None:
    text, mark = place(secret), quote(MARK)
    if lower:
        text, mark = _lower_escapes(text), mark.lower()
    assert mark in text
    assert mark not in mask(text)
    assert mark not in mask(text[: data.draw(st.integers(0, len(text)))])


def _lower_escapes(text: str) -> str:
    first, *rest = text.split("%")
    return "%".join([first, *(part[:2].lower() + part[2:] for part in rest)])


@pytest.mark.parametrize(
    "text",
    [
        "<pw " * 100_000,
        "<pw <pw/>" * 50_000,
        "<pw>" * 100_000,
        "<pw>" + "<a" * 200_000,
        "<pw><!--" * 50_000,
        "<pw><![CDATA[" * 30_000,
        "<pw><?" * 50_000,
        "<" * 400_000,
        "<a:" * 100_000,
        "<" + "a:" * 200_000 + "pw>",
        "UDAI=" * 100_000,
        "UDAI " * 100_000,
        "UDAI" + " " * 400_000,
        "UDAI%3D%22" * 50_000,
        "Password%3D" + "%20" * 100_000,
        'UDAI="' * 100_000,
    ],
    ids=lambda text: text[:20],
)
def test_no_text_takes_long(text: str) -> None:
    start = time.process_time()
    mask(text)
    assert time.process_time() - start < 2


@pytest.mark.parametrize("times", [1, 2, 3])
def test_what_is_escaped_several_times_is_masked(times: int) -> None:
    text = "<EPPAuth Password=\"s3cret-1\"/><Whois UDAI='s3cret-1'/>"
    for _ in range(times):
        text = quote_plus(text)

    assert "s3cret-1" not in mask(text)
