"""Tools that reckon with dates and times. None of them asks the clock: the same input has the same result."""

from __future__ import annotations

import calendar
import re
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from baselines.workspace.folder import Workspace
from search_space.tool_definitions import Definition, Inputs, Parameter
from search_space.tools import ToolError

_FORMATS: Final = ("%d.%m.%Y", "%d %B %Y", "%d %b %Y", "%B %d, %Y", "%b %d, %Y", "%Y/%m/%d", "%Y%m%d")


def shift_date(workspace: Workspace, inputs: Inputs) -> str:
    moment, amount, unit = _moment(inputs["date"]), inputs["amount"], inputs["unit"]
    try:
        if unit in ("months", "years"):
            months = moment.year * 12 + moment.month - 1 + amount * (12 if unit == "years" else 1)
            year, month = divmod(months, 12)
            last = calendar.monthrange(year, month + 1)[1] if 1 <= year <= 9999 else 0
            moved = moment.replace(year=year, month=month + 1, day=min(moment.day, last))
        elif unit == "workdays":
            moved = _workdays_on(moment, amount)
        else:
            moved = moment + timedelta(**{unit: amount})
    except (OverflowError, ValueError):
        raise ToolError(f"{amount} {unit} from {inputs['date']} is outside the years 1 to 9999") from None
    return _shown(moved, with_time=unit in ("hours", "minutes") or "T" in inputs["date"] or ":" in inputs["date"])


def days_between(workspace: Workspace, inputs: Inputs) -> str:
    first, last = _moment(inputs["start"]), _moment(inputs["end"])
    days = (last.date() - first.date()).days
    return f"{days} days ({days // 7} weeks and {days % 7} days)" if days >= 0 else f"{days} days"


def workdays_between(workspace: Workspace, inputs: Inputs) -> str:
    first, last = _moment(inputs["start"]).date(), _moment(inputs["end"]).date()
    sign, (first, last) = (1, (first, last)) if first <= last else (-1, (last, first))
    weeks, rest = divmod((last - first).days, 7)
    extra = sum((first.weekday() + day) % 7 < 5 for day in range(rest))
    return f"{sign * (weeks * 5 + extra)} days from Monday to Friday, the first day counted and the last not"


def describe_date(workspace: Workspace, inputs: Inputs) -> str:
    day = _moment(inputs["date"]).date()
    week = day.isocalendar()
    quarter = (day.month + 2) // 3
    return (
        f"{day.isoformat()}: {calendar.day_name[day.weekday()]}, day {day.timetuple().tm_yday} of the year, "
        f"ISO week {week.week} of {week.year}, quarter {quarter}"
    )


def format_date(workspace: Workspace, inputs: Inputs) -> str:
    moment = _moment(inputs["date"])
    try:
        return moment.strftime(inputs["format"]) or "(empty)"
    except ValueError as error:
        raise ToolError(f"bad format {inputs['format']!r}: {error}; expected one such as %d %B %Y") from None


def convert_timezone(workspace: Workspace, inputs: Inputs) -> str:
    moment = _moment(inputs["time"])
    source, target = _zone(inputs["source"]), _zone(inputs["target"])
    try:
        there = moment.replace(tzinfo=moment.tzinfo or source).astimezone(target)
    except OverflowError:
        raise ToolError(f"{inputs['time']} is too near to the end of the years 1 to 9999") from None
    return f"{there.isoformat(sep=' ', timespec='minutes')} {there.tzname()}"


def month_calendar(workspace: Workspace, inputs: Inputs) -> str:
    return calendar.TextCalendar().formatmonth(inputs["year"], inputs["month"]).rstrip()


def _moment(text: str) -> datetime:
    """A date, or a date with a time, in ISO form or in one of the usual written ones."""
    text = text.strip()
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        pass
    plain = re.sub(r"(?<=\d)(st|nd|rd|th)\b", "", text)
    for form in _FORMATS:
        try:
            return datetime.strptime(plain, form)
        except ValueError:
            continue
    raise ToolError(f"{text[:60]!r} is no date; expected one such as 2024-02-29, 29 February 2024 or 2024-02-29T13:30")


def _shown(moment: datetime, *, with_time: bool) -> str:
    return moment.isoformat(timespec="minutes") if with_time else moment.date().isoformat()


def _workdays_on(moment: datetime, amount: int) -> datetime:
    step = timedelta(days=1 if amount >= 0 else -1)
    weeks, left = divmod(abs(amount), 5)
    while moment.weekday() > 4 and amount:  # from a weekend, the first step leads to a workday
        moment -= step
    moment += weeks * 7 * step
    while left:
        moment += step
        left -= moment.weekday() < 5
    return moment


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ToolError(f"no time zone {name!r}; expected one such as Europe/Berlin or UTC") from None


_DATE: Final = Parameter("date", "A date such as 2024-02-29 or 29 February 2024, with or without a time.")
_START: Final = Parameter("start", "The first date, such as 2024-02-29.")
_END: Final = Parameter("end", "The last date.")

DEFINITIONS: Final = (
    Definition(
        "shift_date",
        "Add a span to a date, or take it away; a month from 31 January is the last of February.",
        (
            _DATE,
            Parameter("amount", "How much; negative goes back.", "integer"),
            Parameter("unit", "Of what.", options=("days", "weeks", "months", "years", "hours", "minutes", "workdays")),
        ),
        shift_date,
    ),
    Definition("days_between", "Count the days from one date to another.", (_START, _END), days_between),
    Definition(
        "describe_date",
        "Tell a date's weekday, day of the year, ISO week and quarter.",
        (_DATE,),
        describe_date,
    ),
    Definition(
        "format_date",
        "Write a date in another form.",
        (_DATE, Parameter("format", "The form in the codes of strftime, such as %d %B %Y.")),
        format_date,
    ),
    Definition(
        "convert_timezone",
        "Convert a time from one time zone to another.",
        (
            Parameter("time", "A date with a time, such as 2024-03-31T01:30."),
            Parameter("source", "The zone it is in, such as Europe/Berlin."),
            Parameter("target", "The zone to convert it to."),
        ),
        convert_timezone,
    ),
    Definition(
        "month_calendar",
        "Show the calendar of a month, weeks from Monday on.",
        (
            Parameter("year", "The year.", "integer", least=1, most=9999),
            Parameter("month", "The month's number.", "integer", least=1, most=12),
        ),
        month_calendar,
    ),
    Definition(
        "workdays_between",
        "Count the days from one date to another without Saturdays and Sundays; holidays are not known.",
        (_START, _END),
        workdays_between,
    ),
)
