"""Who changed a record, when and by which action: the columns that end up in AuditDetails."""

from __future__ import annotations

from dataclasses import dataclass

from srs_epp.registry.transaction import Transaction
from srs_epp.srs.values import Element, text_of


@dataclass(frozen=True, slots=True)
class Audit:
    """The field names are those of the columns; ``changed`` is in seconds since 1970."""

    changed: int
    changed_by: int
    action_id: str
    audit_text: str = ""

    @classmethod
    def of(cls, order: Element, transaction: Transaction) -> Audit:
        """The audit of what an order changes."""
        text = text_of(order.find("AuditText"))
        return cls(transaction.seconds, transaction.sender, order.get("ActionId", ""), text)

    def columns(self) -> dict[str, str | int | None]:
        return {
            "changed": self.changed,
            "changed_by": self.changed_by,
            "action_id": self.action_id,
            "audit_text": self.audit_text,
        }
