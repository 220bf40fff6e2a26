"""The rows about what others published."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

import measure
from world import Bench, Row, ms


def first_fetch(world: Bench) -> Iterator[Row]:
    """Everything for the first time."""
    world.fetched()
    tries = world.fetches
    seconds = sorted(each.used.seconds for each in tries)
    best, median = seconds[0], statistics.median(seconds)
    busy = min(each.used.busy for each in tries)
    count = sum(len(site.statements) for site in world.sites)
    what = f"first `sig fetch` of {len(world.sites)} remotes, {count} statements"
    yield Row(
        what,
        f"{best:.1f} s the best of {len(tries)}, {median:.1f} s the median",
        f"{busy:.1f} s of {measure.processors()} processors,"
        f" `python -c pass` {ms(statistics.median(each.nothing for each in tries))}",
        "",
        "≤ 8 s",
        median <= 8,
    )
    most = max(tries, key=lambda each: each.used.resident).used
    yield Row(
        f"{what}: memory of all its processes at the worst moment",
        f"{most.resident / 1e6:.0f} MB (shared pages once: {most.proportional / 1e6:.0f} MB)",
        "",
        "",
        "≤ 400 MB",
        most.resident <= 400e6 if most.resident else None,
    )
    floor = statistics.median(each.floor for each in tries)
    yield Row(
        "for orientation",
        f"{median:.1f} s the median",
        f"the same signatures with `pysequoia` alone, a process for each processor: {floor:.1f} s",
        f"{statistics.median(each.used.seconds / each.floor for each in tries):.2f}",
        "",
        None,
    )
    gpgv = statistics.median(each.gpgv for each in tries)
    ratio = statistics.median(each.gpgv * count / each.used.seconds for each in tries)
    yield Row(
        f"{what}, against a loop over `gpgv`",
        f"{median:.1f} s the median",
        f"`gpgv` {ms(gpgv)} a statement, {gpgv * count:.0f} s for all"
        f" (sample of {world.size.sample}, in turns with the fetches)",
        f"{ratio:.0f}",
        "≥ 35",
        ratio >= 35,
    )


def unchanged(world: Bench) -> Iterator[Row]:
    """Nothing new: as the server's own log tells it."""
    world.fetched()
    world.server.requests()
    took = measure.once(world.sig("fetch"))
    seen = world.server.requests()
    remotes = len(world.sites)
    same = sum(request.status == 304 for request in seen)
    sent = sum(request.sent for request in seen)
    yield Row(
        f"`sig fetch` of {remotes} remotes with nothing changed",
        f"{len(seen)} requests, {same} answered 304, {sent} bytes of bodies; {took:.2f} s",
        "the server's log",
        f"{len(seen) / remotes:.0f} a remote",
        "2 conditional requests a remote, no body",
        len(seen) == same == 2 * remotes and sent == 0,
    )
