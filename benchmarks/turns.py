"""What a turn costs Redis in a large pool and in a small one, with every feature of pools on.

The time is Redis' own of the script (``INFO commandstats``), so neither the client nor a busy
machine counts; both pools are on one server and served in turn. In the large pool every lead meets
ten people in a row who are away and hold their turns.
"""

from __future__ import annotations

from statistics import median
from typing import Any

from benchmarks.processes import redis_server
from orjson import dumps
from redis import Redis

from pointsman.flows.terms import terms
from pointsman.ids import derived, keyed, lead_id, milliseconds
from pointsman.model import Member, Pool
from pointsman.pools.compile import compile_pool, published
from pointsman.store.keys import Keys
from pointsman.store.scripts import script
from pointsman.store.stored import Choice

__all__ = ["BAR", "TITLE", "compare"]

TITLE = "A turn in a pool of 1,000 and in one of 5"
BAR = 2.0

ORGANIZATION = derived("benchmarks", "turns")
KEYS = Keys(ORGANIZATION)
LARGE, SMALL, AWAY = 1_000, 5, 10
LEADS = 400
HOURS = {"time_zone": "America/New_York", "hours": [{"from": "00:00", "to": "24:00"}]}


def compare(pairs: int) -> tuple[str, float]:
    """Return a table in Markdown, and the median ratio of the script's times."""
    with redis_server() as server, Redis.from_url(server.url) as client:
        large, small = (_published(client, size) for size in (LARGE, SMALL))
        for pool in (large, small):
            _served(client, pool)
        times = [(_served(client, large), _served(client, small)) for _ in range(pairs)]
    ratios = [first / second for first, second in times]
    rows = [
        f"| {name} | {median(each):.1f} |"
        for name, each in (
            ("1,000, ten of them stepped over", [first for first, _ in times]),
            ("5", [second for _, second in times]),
        )
    ]
    told = f"**{median(ratios):.2f} [{min(ratios):.2f} to {max(ratios):.2f}]**"
    head = ["| participants | script µs |", "|---|--:|"]
    ratio = f"Ratio of the script's time: {told} (bar: at most {BAR:g})."
    return "\n".join([f"### {TITLE}", "", *head, *rows, "", ratio]), median(ratios)


def _pool(size: int) -> Pool:
    """Return a pool with weights, caps, hours, owners, a line, and turns that are held."""
    away = {"out_of_office": [{"from": "2000-01-01", "to": "2999-12-31"}]}
    members = {
        f"m{n}": Member(derived(ORGANIZATION, f"m{n}"), f"m{n}", f"M{n}") for n in range(size)
    }
    people: list[Any] = [
        {
            "member": name,
            "weight": 1 + n % 3,
            "caps": [{"limit": 1_000_000, "per": "day"}, {"limit": 1_000_000, "per": "month"}],
            "availability": HOURS | (away if size == LARGE and 0 < n <= AWAY else {}),
        }
        for n, name in enumerate(members)
    ]
    return compile_pool(
        file=f"pools/{size}.yaml",
        document={
            "name": str(size),
            "participants": people,
            "skip_policy": "hold_turn",
            "when_nobody": "park",
            "sticky": {"by": ["email", "phone"], "takes_turn": True},
        },
        pool_id=derived(ORGANIZATION, "pool", str(size)),
        organization_id=ORGANIZATION,
        members=members,
        report=_refuse,
    )


def _refuse(path: tuple[str | int, ...], message: str) -> None:
    raise SystemExit(f"{path}: {message}")


def _published(client: Redis, size: int) -> Pool:
    pool = _pool(size)
    keys = [
        KEYS.pools,
        KEYS.pool(pool.id),
        KEYS.cycle(pool.id),
        KEYS.history(pool.id),
        KEYS.stats(pool.id),
        KEYS.caps(pool.id),
        KEYS.held(pool.id),
    ]
    client.hset(KEYS.pools, pool.id, pool.revision)
    client.eval(script("restore_pool").source, len(keys), *keys, dumps(published(pool)))
    return pool


def _served(client: Redis, pool: Pool) -> float:
    """Serve new people, and return the script's time of one in microseconds."""
    take = script("take_lead")
    client.script_load(take.source)
    first = min(place for place, n in enumerate(pool.turns) if n == 1)
    client.config_resetstat()
    for n in range(LEADS):
        client.hset(KEYS.pool(pool.id), "position", first)
        keys, args = _call(pool, n)
        status, *_ = client.evalsha(take.sha, len(keys), *keys, *args)
        if status != b"taken":
            raise SystemExit(f"a pool of {len(pool.participants)}: {status}")
    told: dict[str, Any] = client.info("commandstats")["cmdstat_evalsha"]
    return float(told["usec_per_call"])


def _call(pool: Pool, number: int) -> tuple[list[str], list[Any]]:
    now = milliseconds()
    lead = lead_id(now)
    marks = ",".join(f"{kind}={keyed(b'', kind, lead)}" for kind in ("email", "phone"))
    limits = "" if pool.limits is None else pool.limits.at(now)
    till = 0 if pool.limits is None else pool.limits.until(now)
    choice = Choice(
        pool.id, pool.revision, '"f":"webhook"', limits, None, terms(pool, pool, till, marks)
    )
    key = KEYS.lead(lead)
    keys = [key, KEYS.log(lead), KEYS.events, KEYS.generation, KEYS.pool(pool.id)]
    keys += [KEYS.cycle(pool.id), KEYS.history(pool.id), KEYS.stats(pool.id)]
    keys += [KEYS.caps(pool.id), KEYS.held(pool.id)]
    data = dumps({"email": f"{number}@example.com", "phone_1": "5127891111"})
    meta = "webhook intake 0 31536000000 7776000000 1000000"
    return keys, [now, data, b'{"source":"webhook"}', meta, choice.text(), "", ""]
