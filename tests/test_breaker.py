"""Hosts that fail, recover, and have enough to do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from pointsman import breaker, observe
from pointsman.breaker import FAILURES, FIRST_PAUSE, LONGEST_PAUSE, Hosts
from pointsman.delivery import Delivery, Outgoing
from pointsman.errors import ActionError, TransientError
from pointsman.testing import LOOPBACK, Clock, Receiver, dropping, receiver


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def delivery(clock: Clock) -> AsyncIterator[Delivery]:
    async with Delivery.open(clock.seconds) as delivery:
        yield delivery


@pytest.fixture
async def client(delivery: Delivery) -> Outgoing:
    return await delivery.outgoing(LOOPBACK, "acme")


def circuits() -> float:
    return observe.REGISTRY.get_sample_value("pointsman_outgoing_circuits_open") or 0.0


def refused(why: str) -> float:
    name = "pointsman_outgoing_refused_total"
    return observe.REGISTRY.get_sample_value(name, {"why": why}) or 0.0


async def fail(client: Outgoing, peer: Receiver, times: int = FAILURES) -> None:
    for _ in range(times):
        with suppress(TransientError):
            await client.send("POST", peer.url)


async def test_a_host_that_fails_again_and_again_is_left_alone_for_a_while(
    client: Outgoing, clock: Clock
) -> None:
    before = circuits(), refused("circuit_open")
    async with receiver(500) as peer:
        with capture_logs() as lines:
            await fail(client, peer)
        with pytest.raises(TransientError, match="failed 8 times in a row") as error:
            await client.send("POST", peer.url)

        assert len(peer.requests) == FAILURES
    assert error.value.retry_after == timedelta(seconds=FIRST_PAUSE)
    assert (circuits(), refused("circuit_open")) == (before[0] + 1, before[1] + 1)
    assert [line["event"] for line in lines] == ["circuit_opened"]
    assert lines[0]["host"].startswith("127.0.0.1:")
    clock.move(timedelta(seconds=4))
    with pytest.raises(TransientError) as later:
        await client.send("POST", peer.url)
    assert later.value.retry_after == timedelta(seconds=FIRST_PAUSE - 4)


async def test_one_request_finds_out_whether_it_is_back(client: Outgoing, clock: Clock) -> None:
    before = circuits()
    async with receiver(*[500] * FAILURES, 200) as peer:
        await fail(client, peer)
        clock.move(timedelta(seconds=FIRST_PAUSE))

        with capture_logs() as lines:
            outcomes = await asyncio.gather(
                *(client.send("POST", peer.url) for _ in range(10)), return_exceptions=True
            )

        assert [type(one).__name__ for one in outcomes] == ["Answer"] + ["TransientError"] * 9
        assert len(peer.requests) == FAILURES + 1
        assert (await client.send("POST", peer.url)).status == 200
    assert circuits() == before
    assert [line["event"] for line in lines] == ["circuit_closed"]


async def test_one_that_is_not_is_left_alone_for_twice_as_long_up_to_a_bound(
    client: Outgoing, clock: Clock
) -> None:
    async with receiver(500) as peer:
        await fail(client, peer)
        pause = FIRST_PAUSE
        for _ in range(8):
            clock.move(timedelta(seconds=pause))
            assert (await client.send("POST", peer.url)).status == 500
            pause = min(pause * 2, LONGEST_PAUSE)
            with pytest.raises(TransientError) as error:
                await client.send("POST", peer.url)
            assert error.value.retry_after == timedelta(seconds=pause)


async def test_a_probe_that_was_cut_short_leaves_room_for_another(clock: Clock) -> None:
    hosts = Hosts(clock.seconds)
    for _ in range(FAILURES):
        async with hosts.turn("acme", "down", 1) as turn:
            turn.failed = True
    clock.move(timedelta(seconds=FIRST_PAUSE))

    with pytest.raises(asyncio.CancelledError):
        async with hosts.turn("acme", "down", 1):
            raise asyncio.CancelledError

    async with hosts.turn("acme", "down", 1) as turn:
        turn.failed = False
    assert len(hosts) == 0


@pytest.mark.parametrize("answer", [200, 302, 400, 404, 429])
async def test_an_answer_that_is_no_fault_of_the_host_closes_the_row(
    client: Outgoing, delivery: Delivery, answer: int
) -> None:
    async with receiver(*[500] * (FAILURES - 1), answer, 500) as peer:
        await fail(client, peer, 2 * FAILURES - 1)

        assert len(peer.requests) == 2 * FAILURES - 1


async def test_connections_that_are_dropped_count_too(client: Outgoing) -> None:
    async with receiver(dropping) as peer:
        await fail(client, peer)

        with pytest.raises(TransientError, match="left alone"):
            await client.send("POST", peer.url)


async def test_the_mistakes_of_one_organization_close_no_host_to_another(
    client: Outgoing, delivery: Delivery
) -> None:
    other = await delivery.outgoing(LOOPBACK, "rival")
    async with receiver(500) as peer:
        await fail(client, peer)

        assert (await other.send("POST", peer.url)).status == 500


async def test_an_address_that_is_refused_is_no_failure_of_the_host(delivery: Delivery) -> None:
    client = await delivery.outgoing((), "acme")
    async with receiver() as peer:
        for _ in range(FAILURES + 1):
            with pytest.raises(ActionError):
                await client.send("POST", peer.url)
    assert len(delivery.hosts) == 0


async def test_a_host_has_a_bounded_number_of_requests_under_way(clock: Clock) -> None:
    hosts, most, now, before = Hosts(clock.seconds), 0, 0, refused("busy")
    free = asyncio.Event()

    async def one() -> None:
        nonlocal most, now
        async with hosts.turn("acme", "slow", 5) as turn:
            now += 1
            most = max(most, now)
            await free.wait()
            now -= 1
            turn.failed = False

    async with asyncio.TaskGroup() as tasks:
        for _ in range(3 * breaker.AT_ONCE):
            tasks.create_task(one())
        await asyncio.sleep(0)
        with pytest.raises(TransientError, match="20 requests under way") as error:
            async with hosts.turn("acme", "slow", 0.01):
                pass
        async with hosts.turn("acme", "other", 0.01):
            free.set()

    assert most == breaker.AT_ONCE
    assert error.value.retry_after
    assert refused("busy") == before + 1
    assert len(hosts) == 0


async def test_what_is_remembered_is_bounded(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Addresses may come from leads: a million of them must not be a million hosts."""
    monkeypatch.setattr(breaker, "MOST_HOSTS", 10)
    hosts, before = Hosts(clock.seconds), circuits()
    for number in range(50):
        for _ in range(FAILURES):
            async with hosts.turn("acme", f"host-{number}", 1) as turn:
                turn.failed = True
        async with hosts.turn("acme", f"fine-{number}", 1) as turn:
            turn.failed = False

    assert len(hosts) == 10
    assert circuits() == before + 10
    with pytest.raises(TransientError):
        async with hosts.turn("acme", "host-49", 1):
            pass


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 400)), max_size=60))
def test_a_host_is_left_alone_only_after_failures_in_a_row(
    story: list[tuple[bool, int]],
) -> None:
    """Law: what is let through is what a model of one circuit lets through."""
    clock = Clock()
    hosts = Hosts(clock.seconds)
    row, pause, until = 0, 0.0, 0.0

    async def play() -> None:
        nonlocal row, pause, until
        for failed, wait in story:
            clock.move(timedelta(seconds=wait))
            is_open = pause > 0
            let_through = not is_open or clock.seconds() >= until
            try:
                async with hosts.turn("acme", "host", 1) as turn:
                    turn.failed = failed
            except TransientError:
                assert not let_through
                continue
            assert let_through
            row = row + 1 if failed else 0
            if not failed:
                pause = 0.0
            elif is_open or row >= FAILURES:
                pause = min(max(2 * pause, FIRST_PAUSE), LONGEST_PAUSE)
                until = clock.seconds() + pause

    asyncio.run(play())
