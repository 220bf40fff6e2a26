"""Instants: ``YYYY-MM-DDThh:mm:ssZ`` on paper, whole seconds since 1970 (UTC) in the program."""

from __future__ import annotations

import re
import time

_INSTANT = re.compile(r"(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})Z", re.ASCII)


def parse(text: str) -> int:
    """Seconds since 1970. Raises ValueError for another form or a day that does not exist."""
    match = _INSTANT.fullmatch(text)
    if match is None:
        raise ValueError("not an instant like 2026-01-31T23:59:59Z")
    import calendar  # it loads locales and dates, which few readers need

    parts = tuple(int(part) for part in match.groups())
    seconds = calendar.timegm((*parts, 0, 0, 0))
    # timegm counts on past the end of a month; only a real day comes back as it went in.
    if time.gmtime(seconds)[:6] != parts:
        raise ValueError("no such day or time")
    return seconds


def write(seconds: int) -> str:
    """The instant as documents and people read it."""
    # strftime does not fill up the year everywhere.
    year, month, day, hour, minute, second = time.gmtime(seconds)[:6]
    return f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"


def day(seconds: int) -> str:
    """The day alone, ``YYYY-MM-DD``, in UTC."""
    return write(seconds)[:10]
