"""The statuses that a record of the registry amounts to."""

from __future__ import annotations

from datetime import timedelta

import pytest

from srs_epp.commands.statuses import rgp_statuses, statuses
from srs_epp.srs.values import Server
from tests.support import records

LOCKED = (
    "serverDeleteProhibited",
    "serverRenewProhibited",
    "serverTransferProhibited",
    "serverUpdateProhibited",
)
DELEGATED = (Server("ns1.example.net"),)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ("ok",)),
        ({"delegate": None}, ("ok",)),
        ({"delegate": False}, ("clientHold",)),
        ({"servers": ()}, ("inactive",)),
        ({"delegate": False, "servers": ()}, ("clientHold", "inactive")),
        ({"status": "PendingRelease"}, ("pendingDelete",)),
        ({"locked": records.REGISTERED}, LOCKED),
        ({"locked": records.REGISTERED, "delegate": False}, ("clientHold", *LOCKED)),
        ({"locked": records.REGISTERED, "status": "PendingRelease"}, ("pendingDelete", *LOCKED[1:])),
        (
            {"locked": records.REGISTERED, "status": "PendingRelease", "delegate": False, "servers": ()},
            ("clientHold", "pendingDelete", *LOCKED[1:], "inactive"),
        ),
    ],
)
def test_a_domain_has_the_statuses_of_its_record(
    changes: dict[str, object], expected: tuple[str, ...]
) -> None:
    domain = records.domain(**{"servers": DELEGATED, **changes})  # type: ignore[arg-type]

    assert set(statuses(domain)) == set(expected)
    assert len(statuses(domain)) == len(expected)


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (timedelta(0), ("addPeriod",)),
        (timedelta(days=5), ("addPeriod",)),
        (timedelta(days=5, seconds=1), ()),
        (timedelta(days=400), ()),
    ],
)
def test_a_young_domain_is_in_its_add_period(age: timedelta, expected: tuple[str, ...]) -> None:
    now = records.REGISTERED + age

    assert rgp_statuses(records.domain(), now, timedelta(days=5)) == expected


def test_a_cancelled_domain_is_in_its_redemption_period_however_young() -> None:
    domain = records.domain(status="PendingRelease")

    assert rgp_statuses(domain, records.REGISTERED, timedelta(days=5)) == ("redemptionPeriod",)


def test_a_domain_of_unknown_age_has_no_add_period() -> None:
    assert rgp_statuses(records.domain(registered=None), records.REGISTERED, timedelta(days=5)) == ()
