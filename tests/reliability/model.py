"""What a registry has once it has done some actions: worked out by another way than the registry's own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from lxml import etree

from tests.reliability.records import Action, Domain, Message, Register, servers_in, subject_of


@dataclass
class Model:
    """Domains and contacts, as they are after the actions; what the registrars were told of by messages."""

    domains: dict[str, Domain]
    contacts: dict[tuple[int, str], str]
    passwords: dict[int, str] = field(default_factory=dict)
    messages: Counter[tuple[int, int, str]] = field(default_factory=Counter)
    acknowledged: Counter[tuple[int, int, str]] = field(default_factory=Counter)
    _fresh: set[str] = field(default_factory=set)
    _renewals: dict[str, list[int]] = field(default_factory=dict)

    @classmethod
    def of(cls, before: Register, actions: Iterable[Action]) -> Model:
        """``actions``: those done, in their order. Domains that were there before are past their grace."""
        model = cls(dict(before.domains), dict(before.contacts))
        for message in before.messages:
            model._note(message)
        for action in actions:
            getattr(model, f"_{action.element.tag}")(action.registrar, action.id, action.element)
        return model

    def _note(self, message: Message) -> None:
        name = message.recipient, message.originator, message.trans_id
        self.messages[name] += 1
        self.acknowledged[name] += message.acknowledged

    def _DomainCreate(self, registrar: int, action_id: str, element: etree._Element) -> None:
        name = subject_of(element)
        self.domains[name] = Domain(registrar, int(element.get("Term", "")), frozenset(servers_in(element)))
        self._fresh.add(name)
        self.messages[registrar, registrar, action_id] += 1  # its UDAI

    def _DomainUpdate(self, registrar: int, action_id: str, element: etree._Element) -> None:
        name = subject_of(element)
        domain = self.domains[name]
        renewals = self._renewals.setdefault(name, [])
        if "UDAI" in element.attrib and domain.sponsor != registrar:
            self.messages[domain.sponsor, registrar, action_id] += 1
            domain = replace(domain, sponsor=registrar)
            renewals.clear()
        if element.get("Cancel") == "0":
            domain = replace(domain, cancelled=False)
        if element.find("NameServers") is not None:
            domain = replace(domain, servers=frozenset(servers_in(element)))
        if "Delegate" in element.attrib:
            domain = replace(domain, held=element.get("Delegate") == "0")
        if "NewUDAI" in element.attrib:
            self.messages[registrar, registrar, action_id] += 1
        if element.get("Renew") == "1":
            renewals.append(domain.months)
            domain = replace(domain, months=domain.months + int(element.get("Term", "")))
        if element.get("Cancel") == "1":
            # in its grace period a domain goes at once, and so do all renewals
            if name in self._fresh:
                del self.domains[name], self._renewals[name]
                return
            domain = replace(domain, cancelled=True, months=(renewals or [domain.months])[0])
            renewals.clear()
        self.domains[name] = domain

    def _HandleCreate(self, registrar: int, _action_id: str, element: etree._Element) -> None:
        self.contacts[registrar, subject_of(element)] = element.get("Email", "")

    def _HandleUpdate(self, registrar: int, _action_id: str, element: etree._Element) -> None:
        key = registrar, subject_of(element)
        if element.get("Delete") == "1":
            del self.contacts[key]
        elif "Email" in element.attrib:
            self.contacts[key] = element.get("Email", "")

    def _AckMessage(self, registrar: int, _action_id: str, element: etree._Element) -> None:
        originator = int(element.get("OriginatingRegistrarId", ""))
        self.acknowledged[registrar, originator, subject_of(element)] += 1

    def _RegistrarUpdate(self, registrar: int, _action_id: str, element: etree._Element) -> None:
        self.passwords[registrar] = subject_of(element)
