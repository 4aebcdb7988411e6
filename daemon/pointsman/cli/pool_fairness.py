"""``pointsman pool fairness``: who got what, beside what the weights promise, and the proof of it.

The whole history is gone through, whatever windows are shown: a proof has no beginning in between.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, NamedTuple
from zoneinfo import ZoneInfo

import typer

from pointsman.cli.desk import Desk, Handle, Output, PoolName, at_desk, stem
from pointsman.cli.options import DataDir, RedisUrl, Tabular
from pointsman.cli.tables import aligned, print_json, write_csv
from pointsman.model import Pool
from pointsman.pools.evidence import MOST, Proof, state_of
from pointsman.pools.proof import Replay
from pointsman.pools.shares import Part, Share, Shares

__all__ = ["fairness"]

_REASONS = (
    "inactive",
    "weight_zero",
    "out_of_hours",
    "out_of_office",
    "at_cap",
    "turn_taken",
    "reassigned",
    "not_accepted",
)


class Per(StrEnum):
    """How long a window is."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    ALL = "all"


class Report(NamedTuple):
    """What was found of a pool."""

    pool: Pool
    time_zone: str
    parts: list[Part]
    proof: Proof
    desk: Desk


def fairness(
    organization: Handle,
    name: PoolName,
    *,
    per: Annotated[Per, typer.Option(help="One table for each of these windows.")] = Per.ALL,
    since: Annotated[
        str | None, typer.Option(help="From when on: 2026-11-01 or 2026-11-01T09:00:00Z.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="To before when.")] = None,
    time_zone: Annotated[
        str | None, typer.Option(help="Zone of the windows. [default: the organization's]")
    ] = None,
    output: Output = Tabular.TEXT,
    data_dir: DataDir = None,
    redis_url: RedisUrl = None,
) -> None:
    """Tell who got how much of a pool's leads, and prove that turns went by the rules.

    Exits with 1 if some did not.
    """
    _zone(time_zone or "UTC")

    async def call(desk: Desk) -> Report:
        place = time_zone or desk.time_zone
        shares = Shares(per.value, place, _moment(since, place), _moment(until, place))
        found = desk.pool(name)
        proof = await _proof(desk, found, shares)
        return Report(found, place, list(shares.parts()), proof, desk)

    report = at_desk(organization, call, data_dir=data_dir, redis_url=redis_url)
    if output is Tabular.JSON:
        print_json(_told(report))
    elif output is Tabular.CSV:
        write_csv(list(_rows(report)))
    else:
        typer.echo("\n".join(_lines(report)))
    verdict = list(_verdict(report))
    typer.echo("\n".join(verdict), err=output is not Tabular.TEXT)
    if report.proof.wrong:
        raise typer.Exit(1)


async def _proof(desk: Desk, pool: Pool, shares: Shares) -> Proof:
    whole = await desk.whole.snapshot(desk.organization_id, pool.id)
    state = state_of(whole)
    replay = Replay(state)
    members = {person.id: person.member.id for person in pool.participants}
    members |= {one[0]: one[1] for listed in state.people.values() for one in listed}
    async for rows in desk.whole.rows(desk.organization_id, pool.id, whole):
        for row in rows:
            shares.add(row, replay.row(row), members)
    return replay.end()


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError) as error:
        raise typer.BadParameter(
            f"'{name}' is no IANA time zone such as Europe/Berlin", param_hint="--time-zone"
        ) from error


def _moment(text: str | None, time_zone: str) -> int | None:
    if text is None:
        return None
    try:
        read = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(
            f"'{text}' is no time; expected 2026-11-01 or 2026-11-01T09:00:00Z"
        ) from error
    placed = read if read.tzinfo else read.replace(tzinfo=_zone(time_zone))
    return int(placed.timestamp() * 1000)


def _when(at: int | None, time_zone: str) -> str | None:
    if at is None:
        return None
    return datetime.fromtimestamp(at / 1000, _zone(time_zone)).isoformat(timespec="seconds")


def _shares(report: Report, part: Part) -> list[Share]:
    """Return everybody's share, in the pool's order; who left comes last."""
    order = {person.member.id: person.order for person in report.pool.participants}
    return sorted(
        part.shares.values(),
        key=lambda share: (order.get(share.member, len(order) + 1), share.member),
    )


def _numbers(report: Report, part: Part, share: Share) -> dict[str, Any]:
    known = part.turns - part.unknown
    return {
        "person": report.desk.called(share.member),
        "member_id": share.member,
        "offered": share.offered,
        "assigned": share.assigned,
        "without_turn": share.unturned,
        "skipped": {reason: share.skipped[reason] for reason in _REASONS if share.skipped[reason]},
        "expected": None if part.unknown else round(share.expected, 2),
        "expected_share": round(share.expected / known, 4) if known and not part.unknown else None,
        "deviation": None if part.unknown else round(share.deviation, 2),
    }


def _told(report: Report) -> dict[str, Any]:
    return {
        "pool": stem(report.pool),
        "id": report.pool.id,
        "time_zone": report.time_zone,
        "windows": [
            {
                "from": _when(part.start, report.time_zone),
                "to": _when(part.end, report.time_zone),
                "leads": part.leads,
                "turns": part.turns,
                "people": [_numbers(report, part, share) for share in _shares(report, part)],
                "skipped_unnamed": dict(part.more),
            }
            for part in report.parts
        ],
        "proof": {
            "verdict": report.proof.verdict,
            "first": report.proof.first,
            "last": report.proof.last,
            "checked": report.proof.checked,
            "unproven": report.proof.unproven,
            "not_kept": report.proof.dropped,
            "wrong": report.proof.wrong,
            "findings": [
                {"turn": found.turn, "what": found.what} for found in report.proof.findings
            ],
        },
    }


def _rows(report: Report) -> Iterator[dict[str, Any]]:
    for part in report.parts:
        for share in _shares(report, part):
            numbers = _numbers(report, part, share)
            del numbers["skipped"]
            yield {
                "from": _when(part.start, report.time_zone),
                "to": _when(part.end, report.time_zone),
                **numbers,
                **{f"skipped_{reason}": share.skipped[reason] for reason in _REASONS},
            }


def _lines(report: Report) -> Iterator[str]:
    yield f"{report.pool.name} ({report.pool.file}), {report.time_zone}"
    for part in report.parts:
        yield ""
        span = f"{_when(part.start, report.time_zone) or 'from the beginning'} to "
        yield f"{span}{_when(part.end, report.time_zone) or 'now'}: {_many(part.leads, 'lead')}"
        yield from aligned([_HEAD, *(_cells(report, part, s) for s in _shares(report, part))])
        if part.more:
            yield f"passed over without being named (ten are, of each lead): {_reasons(part.more)}"
    yield ""


_HEAD = (
    "person",
    "offered",
    "assigned",
    "without turn",
    "expected",
    "share",
    "deviation",
    "passed over",
)


def _cells(report: Report, part: Part, share: Share) -> tuple[str, ...]:
    numbers = _numbers(report, part, share)
    known = numbers["expected_share"] is not None
    return (
        numbers["person"],
        str(share.offered),
        str(share.assigned),
        str(share.unturned or "-"),
        f"{share.expected:.2f}" if known else "-",
        f"{numbers['expected_share']:.1%}" if known else "-",
        f"{share.deviation:+.2f}" if known else "-",
        _reasons(numbers["skipped"]) or "-",
    )


def _reasons(counts: Any) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in counts.items())


def _verdict(report: Report) -> Iterator[str]:
    """Yield what the proof came to, in sentences."""
    proof = report.proof
    names = {member.id: member.handle for member in report.desk.members.values()}
    if proof.dropped:
        yield f"{_many(proof.dropped, 'older turn')} are not kept any more (history_limit)."
    if proof.unproven:
        yield (
            f"{_many(proof.unproven, 'turn')} cannot be worked out again: who was in the pool then "
            "is not recorded, or turns are missing."
        )
    if not proof.wrong:
        yield (
            f"Proven: {_many(proof.checked, 'turn')} are the ones that the rules give, from what "
            "was recorded of who could be served."
        )
        return
    yield f"Not proven: {_many(proof.wrong, 'finding')} in {_many(proof.checked, 'turn')}."
    for found in proof.findings:
        text = str(found)
        for member, handle in names.items():
            text = text.replace(member, handle)
        yield f"  {text}"
    if proof.wrong > MOST:
        yield f"  and {proof.wrong - MOST} more"


def _many(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
