"""``<domain:renew>`` (RFC 5731 section 3.2.3): Whois for the present expiry, then DomainUpdate Renew="1".

domain:curExpDate  ->  must be the day of BilledUntil, in UTC or in the offset that the registry gave
domain:period      ->  @Term, in months

Sessions take turns, so that one expiry date renews once.
"""

from __future__ import annotations

from datetime import UTC, date, datetime

from srs_epp.commands.domain.record import shown_name
from srs_epp.commands.domain.sponsorship import refused
from srs_epp.commands.mapping import Context, Mapping, handles
from srs_epp.epp.domain import Renew, renew_data
from srs_epp.epp.namespaces import DOMAIN
from srs_epp.epp.reader import Command
from srs_epp.epp.results import ObjectDoesNotExist, StatusProhibits
from srs_epp.epp.writer import Response
from srs_epp.epp.xml import token
from srs_epp.srs.actions import DomainUpdate, Whois
from srs_epp.srs.errors import SRSError
from srs_epp.srs.results import AVAILABLE


@handles("renew", DOMAIN, stalls=True)
def renew_domain(command: Command, context: Context) -> Mapping:
    """2303 no such domain; 2304 curExpDate is not the present expiry; 2201 another registrar's."""
    assert command.payload is not None
    order = Renew.read(command.payload)
    with context.turn(order.name):
        [found] = yield [Whois(order.name)]
        if found.domain is None or found.domain.status == AVAILABLE:
            raise ObjectDoesNotExist(value=order.name)
        expiry = found.domain.billed_until
        if expiry is None or not _same_day(token(order.current_expiry), expiry):
            text = f"Not close enough to current expiry date ({_day(expiry)})" if expiry else "No expiry date"
            raise StatusProhibits(text, value=order.current_expiry)
        try:
            [renewed] = yield [
                DomainUpdate(
                    action_id=context.action_id(command),
                    name=order.name,
                    renew=True,
                    term=order.months or context.config.default_period,
                )
            ]
        except SRSError as error:
            raise refused(error, order.name) from None
    if renewed.domain is None:
        raise ObjectDoesNotExist(value=order.name)
    return Response(1000, data=(renew_data(shown_name(renewed.domain), renewed.domain.billed_until),))


def _same_day(text: str, moment: datetime) -> bool:
    # an xs:date may have an offset behind the day, or a year that Python has no date for
    try:
        day = date.fromisoformat(text[:10])
    except ValueError:
        return False
    return day in (moment.date(), moment.astimezone(UTC).date())


def _day(moment: datetime) -> str:
    return moment.astimezone(UTC).date().isoformat()
