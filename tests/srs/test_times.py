"""Time stamps of the registry, which lives in New Zealand."""

from __future__ import annotations

import tracemalloc
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from srs_epp.srs.times import NEW_ZEALAND, from_attributes, to_attributes

WHOLE = {
    "Year": "2019",
    "Month": "3",
    "Day": "5",
    "Hour": "09",
    "Minute": "07",
    "Second": "02",
    "TimeZoneOffset": "+13:00",
}


def stamp(**changes: str | None) -> dict[str, str]:
    """The attributes of a whole stamp, some of them changed, or (None) left out."""
    return {name: value for name, value in {**WHOLE, **changes}.items() if value is not None}


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type, misc]


def test_a_whole_stamp_is_that_moment_with_that_offset() -> None:
    moment = from_attributes(WHOLE)

    assert moment == utc(2019, 3, 4, 20, 7, 2)
    assert moment.utcoffset() == timedelta(hours=13)


@pytest.mark.parametrize(
    "changes", [{"Month": "03", "Day": "05"}, {"Hour": "9", "Minute": "7", "Second": "2"}]
)
def test_numbers_may_be_padded_or_not(changes: dict[str, str]) -> None:
    assert from_attributes(stamp(**changes)) == from_attributes(WHOLE)


@pytest.mark.parametrize("missing", [None, ""])
def test_a_missing_second_is_the_first(missing: str | None) -> None:
    assert from_attributes(stamp(Second=missing)) == utc(2019, 3, 4, 20, 7, 0)


@pytest.mark.parametrize(
    ("offset", "hours"),
    [
        ("+13:00", 13),
        ("+1300", 13),
        (" +12:00 ", 12),
        ("-03:30", -3.5),
        ("-0330", -3.5),
        ("+00:00", 0),
        ("-00:00", 0),
        ("+12:45", 12.75),
    ],
)
def test_an_offset_has_a_sign_hours_and_minutes(offset: str, hours: float) -> None:
    moment = from_attributes(stamp(TimeZoneOffset=offset))

    assert moment.utcoffset() == timedelta(hours=hours)
    assert moment.replace(tzinfo=None) == datetime(2019, 3, 5, 9, 7, 2)


@pytest.mark.parametrize("missing", [None, ""])
@pytest.mark.parametrize(
    ("month", "day", "hours"),
    [
        ("1", "15", 13),
        ("7", "15", 12),
        ("4", "6", 13),  # daylight saving of 2019 ended on 7 April at 3:00
        ("4", "8", 12),
        ("9", "28", 12),  # and began again on 29 September at 2:00
        ("9", "30", 13),
    ],
)
def test_without_an_offset_it_is_new_zealand_time(
    missing: str | None, month: str, day: str, hours: int
) -> None:
    moment = from_attributes(stamp(Month=month, Day=day, TimeZoneOffset=missing))

    assert moment.utcoffset() == timedelta(hours=hours)
    assert moment.astimezone(UTC) == utc(2019, int(month), int(day), 9, 7, 2) - timedelta(hours=hours)


@pytest.mark.parametrize(("hour", "hours"), [("1", 13), ("3", 12)])
def test_the_clock_goes_back_at_three(hour: str, hours: int) -> None:
    moment = from_attributes(stamp(Month="4", Day="7", Hour=hour, TimeZoneOffset=None))
    assert moment.utcoffset() == timedelta(hours=hours)


@pytest.mark.parametrize(("hour", "hours"), [("1", 12), ("3", 13)])
def test_the_clock_goes_forward_at_two(hour: str, hours: int) -> None:
    moment = from_attributes(stamp(Month="9", Day="29", Hour=hour, TimeZoneOffset=None))
    assert moment.utcoffset() == timedelta(hours=hours)


@pytest.mark.parametrize("month", ["4", "9"])
@pytest.mark.parametrize("hour", ["2", "02"])
def test_an_hour_that_comes_twice_or_never_is_still_a_moment(month: str, hour: str) -> None:
    day = "7" if month == "4" else "29"
    moment = from_attributes(stamp(Month=month, Day=day, Hour=hour, TimeZoneOffset=None))
    assert moment.utcoffset() in (timedelta(hours=12), timedelta(hours=13))


@pytest.mark.parametrize("name", ["Year", "Month", "Day", "Hour", "Minute"])
def test_a_missing_part_is_a_key_error(name: str) -> None:
    with pytest.raises(KeyError, match=name):
        from_attributes(stamp(**{name: None}))


@pytest.mark.parametrize(
    "changes",
    [
        {"Month": "13"},
        {"Month": "0"},
        {"Day": "32"},
        {"Month": "2", "Day": "30"},
        {"Month": "2", "Day": "29"},
        {"Hour": "24"},
        {"Minute": "60"},
        {"Second": "60"},
        {"Hour": "-1"},
        {"Year": "0"},
        {"Year": "10000"},
        {"Year": "9" * 30},
        {"Day": "9" * 30},
        {"Year": "1", "Month": "1", "Day": "1"},
        {"Year": "9999", "Month": "12", "Day": "31", "Hour": "23", "TimeZoneOffset": "-12:00"},
        {"Second": "9" * 5000},
        {"Year": ""},
        {"Year": "MMXIX"},
        {"Minute": "7.5"},
        {"TimeZoneOffset": "13:00"},
        {"TimeZoneOffset": "Z"},
        {"TimeZoneOffset": "NZDT"},
        {"TimeZoneOffset": "+13"},
        {"TimeZoneOffset": "+1:00"},
        {"TimeZoneOffset": "+24:00"},
        {"TimeZoneOffset": "-99:99"},
        {"TimeZoneOffset": "+13:00:00"},
    ],
)
def test_what_names_no_moment_is_a_value_error(changes: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"."):
        from_attributes(stamp(**changes))


@settings(max_examples=300, deadline=None, database=None)
@given(st.dictionaries(st.sampled_from(list(WHOLE)), st.text("0123456789+-: x", max_size=12)))
def test_any_attributes_are_a_moment_or_an_error_of_the_two_kinds(changes: dict[str, str]) -> None:
    try:
        moment = from_attributes(stamp(**changes))
    except (ValueError, KeyError):
        return
    assert moment.tzinfo is not None


# --- the other way


def test_a_moment_is_written_as_the_registry_writes_it() -> None:
    assert to_attributes(utc(2019, 3, 4, 20, 7, 2)) == stamp(Day="05")


@pytest.mark.parametrize(("month", "offset"), [(1, "+13:00"), (7, "+12:00")])
def test_the_written_offset_is_that_of_the_day(month: int, offset: str) -> None:
    assert to_attributes(utc(2019, month, 15, 0, 0, 0))["TimeZoneOffset"] == offset


@settings(max_examples=300, deadline=None, database=None)
@given(
    st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1)).map(
        lambda moment: moment.replace(microsecond=0)
    ),
    st.integers(-23 * 60, 23 * 60),
)
@example(datetime(2019, 4, 6, 13, 30), 0)
@example(datetime(2019, 4, 6, 14, 30), 0)
@example(datetime(2019, 9, 28, 14, 0), 0)
def test_what_is_written_is_read_as_the_same_moment(moment: datetime, offset: int) -> None:
    aware = moment.replace(tzinfo=timezone(timedelta(minutes=offset)))
    assert from_attributes(to_attributes(aware)) == aware


def test_new_zealand_is_where_the_registry_is() -> None:
    assert NEW_ZEALAND.key == "Pacific/Auckland"


def test_the_moments_of_an_hour_are_not_kept() -> None:
    begin = datetime(2026, 11, 23, tzinfo=UTC)
    from_attributes(to_attributes(begin))
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for second in range(3600):
            from_attributes(to_attributes(begin + timedelta(seconds=second)))
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert grown < 200 * 1024
