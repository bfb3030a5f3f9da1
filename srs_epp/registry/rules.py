"""What a registry may decide for itself: its zones and its limits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from srs_epp.registry.names import Zones


@dataclass(frozen=True, slots=True)
class Rules:
    """The limits are those of the .nz registry."""

    zones: Zones
    longest_term: int = 120  # months
    most_servers: int = 10
    most_ds: int = 10
    udai_lifetime: timedelta = timedelta(days=30)
    registration_grace: timedelta = timedelta(days=5)
    renewal_grace: timedelta = timedelta(days=5)
    double_registration: timedelta = timedelta(days=30)  # between two cancels in grace of one name
    pending_release: timedelta = timedelta(days=90)
    unused_handle: timedelta = timedelta(days=90)  # after which a handle that nothing names goes
