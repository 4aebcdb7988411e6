"""Starting, in this process: what is said, and what cannot be."""

from __future__ import annotations

import os
import re
import socket
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from typer.testing import CliRunner

from daemons import running
from pointsman.app.greeting import announce, greeting
from pointsman.cli import main
from pointsman.config.load import compile_organization, load
from pointsman.errors import ConfigError, PointsmanError, Unavailable
from pointsman.model import Ruleset
from trees import MINIMAL, write


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write(tmp_path / "config", {})


async def test_a_port_in_use_is_told_before_anything_is_published(
    root: Path, redis_url: str, redis: Redis
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        message = f"cannot listen on 127.0.0.1:{port}: Address already in use"
        with pytest.raises(PointsmanError, match=message):
            async with running(root, redis_url, port=port):
                pass
    assert await redis.keys("*") == []


async def test_a_broken_tree_with_nothing_published_is_told_with_every_finding(
    root: Path, redis_url: str, redis: Redis
) -> None:
    write(root, {"pools/inbound.yaml": "nope: 1\n", "fields.yaml": "nope: 1\n"})
    with pytest.raises(ConfigError) as refused:
        async with running(root, redis_url):
            pass
    told = str(refused.value)
    assert "acme/pools/inbound.yaml:1:1: unknown key 'nope'" in told
    assert "acme/fields.yaml:1:1: unknown key 'nope'" in told
    assert await redis.keys("*") == []


async def test_replicated_durability_without_a_replica_is_told_at_start(
    root: Path, redis_url: str
) -> None:
    with pytest.raises(Unavailable, match="0 of 1 replicas have the write"):
        async with running(root, redis_url, durability="replicated"):
            pass


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"redis_url": "redis+cluster://h"}, "Redis Cluster and Sentinel are not supported yet"),
        ({"redis_url": "http://h"}, "expected one of redis://, rediss://, unix://"),
        ({"admin_bind": "9090"}, "expected HOST:PORT"),
        ({"host": "no.such.host.invalid"}, "cannot listen on no.such.host.invalid"),
        ({"config_dir": Path("/nowhere")}, "no configuration directory /nowhere"),
    ],
)
async def test_what_cannot_be_is_told_with_what_to_do(
    root: Path, redis_url: str, settings: dict[str, Any], told: str
) -> None:
    config_dir = settings.pop("config_dir", root)
    with pytest.raises(PointsmanError, match=re.escape(told)):
        async with running(config_dir, **{"redis_url": redis_url, "data_dir": root, **settings}):
            pass


async def test_a_redis_that_does_not_answer_is_told(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pointsman.app.server._PATIENCE", 0.2)
    with pytest.raises(PointsmanError, match=r"Redis at .*/nowhere does not answer"):
        async with running(root, f"unix://{tmp_path}/nowhere"):
            pass


@pytest.mark.parametrize(
    ("arguments", "told"),
    [(["nowhere"], "'nowhere' does not exist"), (["--workers", "0"], "workers: ")],
)
def test_wrong_usage_exits_with_2(arguments: list[str], told: str) -> None:
    answer = CliRunner().invoke(main, ["run", *arguments])
    assert answer.exit_code == 2
    assert told in answer.output


def test_a_waiting_script_is_told(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    announce(4711, tmp_path / "port", writing)
    assert (tmp_path / "port").read_text() == "4711\n"
    assert os.read(reading, 100) == b"ready 4711\n"
    assert os.read(reading, 100) == b"", "the descriptor is closed"
    os.close(reading)


def said(root: Path) -> str:
    organizations, problems = load(root)
    assert not [problem for problem in problems if problem.severity == "error"]
    return greeting("http://127.0.0.1:8080", Ruleset(organizations))


def test_the_call_that_is_shown_is_one_that_a_pool_gets(root: Path) -> None:
    assert "/intake/acme/webhook \\\n" in said(root)
    keyed = MINIMAL["pools/inbound.yaml"].replace("webhook", "webhook\n    source_key: site-a")
    write(root, {"pools/inbound.yaml": keyed})
    assert "/intake/acme/webhook/site-a \\\n" in said(root)


def test_every_enabled_flow_is_counted_with_an_intake_or_without(root: Path) -> None:
    flow = "name: F\nsources: [{key: a%s}]\nsteps: []\n"
    write(root, {"flows/a.yaml": flow % "", "flows/b.yaml": flow % ", intake: webhook"})
    write(root, {"flows/off.yaml": flow % "" + "enabled: false\n"})
    assert "1 pool, 0 workflows, 2 flows, 2 members" in said(root)


def test_flows_that_wait_to_be_deployed_are_told() -> None:
    flow = b"name: F\nsources: [{key: a}]\nsteps: []\n"
    raw = {name: text.encode() for name, text in MINIMAL.items()}
    raw["organization.yaml"] += b"deploy: manual\n"
    acme, _ = compile_organization("acme", {**raw, "flows/f.yaml": flow}, root=None, deployed={})
    assert acme
    shown = greeting("http://127.0.0.1:8080", Ruleset({"acme": acme}))
    assert "0 flows, 2 members; 1 flow to be deployed (pointsman deploy)" in shown


def test_no_call_is_shown_where_it_would_not_work(root: Path) -> None:
    closed = MINIMAL["organization.yaml"] + "intake: {auth: key}\n"
    write(root, {"organization.yaml": closed})
    assert "curl" not in said(root)
