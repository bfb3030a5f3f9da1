"""What is written as text is the XML that was meant, whatever its values hold."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from srs_epp.epp.markup import Markup
from srs_epp.epp.namespaces import DOMAIN

texts = st.text(alphabet=st.characters(codec="utf-8") | st.sampled_from("&<>\"'\t\r\n]\0\ufffe"))


def kept(text: str) -> str:
    """What is left of a text in XML, which has no place for some characters."""
    return "".join(
        char
        if char in "\t\n\r" or " " <= char <= "\ud7ff" or "\ue000" <= char <= "\ufffd" or char > "\uffff"
        else "\ufffd"
        for char in text
    )


@given(outer=texts, text=texts, value=texts)
def test_any_value_comes_back(outer: str, text: str, value: str) -> None:
    data = Markup(DOMAIN, "chkData", outer)
    data.open("cd", s=value).add("name", text, avail=value, left_out=None)

    read = etree.fromstring(str(data))

    assert (read.tag, read.text or "") == (DOMAIN("chkData"), kept(outer))
    [cd] = read
    [name] = cd
    assert (name.tag, name.text or "") == (DOMAIN("name"), kept(text))
    assert (cd.items(), name.items()) == ([("s", kept(value))], [("avail", kept(value))])


def test_children_stand_in_their_order() -> None:
    data = Markup(DOMAIN, "infData")
    data.add("name", "a.nz")
    contacts = data.open("ns")
    data.add("clID", "100")
    contacts.add("hostAttr")

    read = etree.fromstring(str(data))

    assert [element.tag for element in read.iter()] == [
        DOMAIN(name) for name in ("infData", "name", "ns", "hostAttr", "clID")
    ]
