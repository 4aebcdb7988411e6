"""``pointsman explain``: the decision about a lead, without a turn."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from pointsman.cli import main
from pointsman.config.load import load
from pointsman.model import Organization
from pointsman.pools.compile import published
from pointsman.settings import Settings
from pointsman.store.generations import GenerationStore, Publication
from pointsman.store.pools import PoolStore
from pointsman.store.redis import RedisStore

FILES = {
    "organization.yaml": """\
name: Acme
integrations: {lead_webhook: {enabled: true}}
members:
  - {handle: anna, name: Anna}
  - {handle: bo, name: Bo, active: false}
  - {handle: cy, name: Cy}
  - {handle: dee, name: Dee, availability: {out_of_office: [{from: 2000-01-01, to: 2999-12-31}]}}
  - {handle: eve, name: Eve}
""",
    "fields.yaml": "fields:\n  - {id: email, type: email, required: true}\n",
    "pools/ads.yaml": """\
name: Ads
participants: [bo, cy]
connections:
  - {source: meta, meta_form_id: "77"}
  - {source_key: ads}
""",
    "pools/rest.yaml": "name: Rest\nparticipants: [anna, cy]\nconnections: [{source: webhook}]\n",
    "pools/away.yaml": """\
name: Away
participants: [dee, {member: anna, weight: 0}, {member: eve, caps: [{limit: 1, per: month}]}]
connections: [{source_key: away}]
""",
    "pools/nobody.yaml": """\
name: Nobody
participants: [bo]
fallback_pool: away
connections: [{source_key: nobody}]
""",
    "flows/partners.yaml": """\
name: Partners
sources: [{intake: webhook, source_key: partners}]
steps: [{type: pool, pool: ads}]
""",
}
LEAD = '{"email": "ada@example.com"}'


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration directory, and no data directory."""
    monkeypatch.chdir(tmp_path)
    for name, text in FILES.items():
        path = tmp_path / "config" / "acme" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "config"


def explain(*arguments: str, lead: str = LEAD) -> Result:
    return CliRunner().invoke(main, ["explain", "-", *arguments], input=lead)


def told(*arguments: str, lead: str = LEAD) -> Any:
    answer = explain(*arguments, "--format", "json", lead=lead)
    assert answer.exit_code == 0, answer.output
    return json.loads(answer.stdout)


def test_every_pool_gets_its_reason(root: Path) -> None:
    answer = explain("--intake", "ads")

    assert answer.exit_code == 0, answer.output
    lines = [line.strip() for line in answer.stdout.splitlines()]
    assert "-> Ads (pools/ads.yaml)" in lines
    assert "connection webhook_key matches" in lines
    assert "'Ads' is preferred: it matches by webhook_key" in lines
    assert "1. Bo would be passed over: inactive" in lines
    assert lines[-1] == "2. Cy is next"


def test_who_is_away_is_told_also_where_no_redis_is(root: Path) -> None:
    found = told("--intake", "away")

    assert found["next"] == {"handle": "eve", "order": 3}
    assert found["passed_over"] == [
        {"handle": "dee", "order": 1, "reason": "out_of_office"},
        {"handle": "anna", "order": 2, "reason": "weight_zero"},
    ]
    assert "1. Dee would be passed over: out of office" in explain("--intake", "away").stdout


def test_the_fallback_pool_is_told(root: Path) -> None:
    found = told("--intake", "nobody")

    assert (found["pool"]["name"], found["fallback"]["name"]) == ("Nobody", "Away")
    assert (found["next"]["handle"], found["reason"]) == ("eve", None)
    lines = explain("--intake", "nobody").stdout
    assert "nobody may be served" in lines
    assert "Fallback pool: Away (pools/away.yaml)" in lines


def test_turns_are_said_to_be_assumed_where_no_redis_is(root: Path) -> None:
    answer = explain()

    assert "Redis is not reachable" in answer.stderr
    assert told()["turn_assumed"] is True
    assert told()["next"] == {"handle": "anna", "order": 1}


def test_a_redis_that_is_away_is_no_failure(root: Path, tmp_path: Path) -> None:
    answer = told("--redis-url", f"unix://{tmp_path}/nobody.sock")

    assert answer["turn_assumed"] is True


def test_a_lead_that_leads_nowhere_is_told_why(root: Path) -> None:
    found = told("--intake", "source=meta", "--intake", "meta_form_id=78")

    assert found["reason"] == "no_matching_pool"
    assert found["pool"] is None
    reasons = [reason for pool in found["pools"] for reason in pool["reasons"]]
    assert any("meta_form_id must be '77', the lead has '78'" in reason for reason in reasons)


def test_a_way_that_is_closed_is_told(root: Path) -> None:
    assert told("--intake", "asd")["closed"] == "no pool or flow has the source_key 'asd'"
    assert told("--intake", "ads")["closed"] is None
    switches = {"meta": "meta is missing or not enabled", "automation": "automation is not enabled"}
    for source, why in switches.items():
        found = told("--intake", f"source={source}", "--intake", "provider=make")
        assert found["closed"] == f"integrations.{why} in organization.yaml"
    assert "it would get 404" in explain("--intake", "asd").stdout


def test_a_flow_decides_alone(root: Path) -> None:
    found = told("--intake", "partners")

    assert found["flow"] == {"name": "Partners", "file": "flows/partners.yaml"}
    assert found["pools"] == []
    assert found["next"] == {"handle": "cy", "order": 2}


BOUGHT = """\
name: Bought
sources:
  - key: shop
    mappings: [{property: email, value: "{{mail}}"}]
    pricing: {prices: [{amount: 5}]}
    caps: [{name: few, maximum: 1, duration_units: day}]
list_checks: {duplicate: {value: "{{lead.email}}", list_name: bought}}
acceptance_criteria:
  rule_set: {op: and, rules: [{lhv: lead.email, op: is not blank}]}
steps:
  - key: far
    type: filter
    rule_set: {op: and, rules: [{lhv: lead.state, op: is equal to, rhv: AK}]}
  - {key: ours, type: pool, pool: rest}
"""


def test_a_flow_tells_of_every_part_what_it_would_do(root: Path) -> None:
    """Gates, price, caps and steps in their order, up to what stops the lead."""
    (root / "acme/lists").mkdir()
    (root / "acme/lists/bought.yaml").write_text("name: Bought\ntype: email\n")
    (root / "acme/flows/bought.yaml").write_text(BOUGHT)

    taken = explain("--submit", "bought/shop", lead='{"mail": "a@example.com", "state": "TX"}')
    stopped = explain("--submit", "bought/shop", lead='{"mail": "a@example.com", "state": "AK"}')
    refused = told("--submit", "bought/shop", lead="{}")
    unknown = explain("--submit", "bough/shop")

    assert taken.stdout.splitlines()[1:] == [
        "  list check duplicate: not found (bought)",
        "  acceptance criteria of the flow: hold",
        "  price: 5",
        "  cap few: counts it, at most 1 a day",
        "  step far (filter): lets it pass (lead.state must be equal to AK)",
        "  step ours (pool): assigns it",
        "     1. Anna is next",
    ]
    assert stopped.stdout.splitlines()[-1] == "  step far (filter): stops it (failure: no reason)"
    assert refused["parts"][-1]["detail"] == "failure: lead.email must not be blank"
    assert refused["parts"][-1]["stops"]
    assert unknown.exit_code == 2


def test_of_several_pools_the_first_would_assign_and_tells_whose_turn_it_is(root: Path) -> None:
    (root / "acme/flows/bought.yaml").write_text(
        "name: Bought\nsources: [{key: shop}]\n"
        "steps: [{key: a, type: pool, pool: rest}, {key: b, type: pool, pool: ads}]\n"
    )

    lines = explain("--submit", "bought/shop").stdout.splitlines()

    assert lines[-3:] == [
        "  step a (pool): assigns it",
        "     1. Anna is next",
        "  step b (pool): is asked if nobody got it before",
    ]


def test_a_flow_is_told_as_its_lists_and_caps_stand(root: Path, redis_url: str) -> None:
    """What was counted and listed is read; nothing is taken."""
    (root / "acme/flows/bought.yaml").write_text(
        BOUGHT.replace("maximum: 1,", "maximum: 0,").replace(
            'list_checks: {duplicate: {value: "{{lead.email}}", list_name: bought}}\n', ""
        )
    )

    found = told(
        "--submit", "bought/shop", "--redis-url", redis_url, lead='{"mail": "a@b.example"}'
    )

    assert not found["assumed"]
    assert found["parts"][-1]["detail"] == "0 of 0 a day; failure: Cap reached"


@pytest.mark.parametrize("reachable", [True, False])
def test_a_flow_without_list_checks_knows_of_no_list(
    root: Path, redis_url: str, tmp_path: Path, *, reachable: bool
) -> None:
    """As with a lead that is sent: what was not looked up is neither true nor false."""
    (root / "acme/flows/bought.yaml").write_text(
        BOUGHT.replace("lhv: lead.email, op: is not", "lhv: suppressionlist.is_duplicate, op: is")
        .replace("is blank", "is false")
        .replace('list_checks: {duplicate: {value: "{{lead.email}}", list_name: bought}}\n', "")
    )
    url = redis_url if reachable else f"unix://{tmp_path}/nobody.sock"

    found = told("--submit", "bought/shop", "--redis-url", url, lead="{}")

    assert found["assumed"] is not reachable
    assert found["parts"][-1]["detail"] == "failure: suppressionlist.is_duplicate must be false"


def test_a_lead_file_is_read(root: Path, tmp_path: Path) -> None:
    (tmp_path / "lead.json").write_text(LEAD)

    answer = CliRunner().invoke(main, ["explain", "lead.json", "--config-dir", str(root)])

    assert answer.exit_code == 0, answer.output


def test_a_lead_that_would_be_refused_is_a_finding(root: Path) -> None:
    answer = explain(lead="{}")

    assert answer.exit_code == 1
    assert answer.stdout.startswith("refused: ")
    assert "email" in answer.stdout


@pytest.mark.parametrize(
    ("arguments", "lead", "said"),
    [
        ((), "[1]", "expected a JSON object"),
        ((), "{", "no JSON"),
        (("--organization", "acm"), LEAD, "did you mean 'acme'?"),
        (("--intake", "meta_form=1"), LEAD, "did you mean 'meta_form_id'?"),
        (("--intake", "source=mta"), LEAD, "unknown source 'mta'"),
    ],
)
def test_a_wrong_call_is_told(root: Path, arguments: tuple[str, ...], lead: str, said: str) -> None:
    answer = explain(*arguments, lead=lead)

    assert answer.exit_code == 2
    assert said in " ".join(answer.stderr.split())


def test_a_broken_tree_is_told_as_check_tells_it(root: Path) -> None:
    (root / "acme" / "pools" / "rest.yaml").write_text("name: Rest\nparticipants: [ana]\n")

    answer = explain()

    assert answer.exit_code == 1
    assert "rest.yaml:2:" in answer.stdout


def test_one_of_several_organizations_must_be_named(root: Path) -> None:
    (root / "bolt").mkdir()
    (root / "bolt" / "organization.yaml").write_text("name: Bolt\n")

    assert "which organization? (known: acme, bolt)" in " ".join(explain().stderr.split())
    assert told("--organization", "bolt")["reason"] == "no_matching_pool"


async def point(store: RedisStore, organization: Organization, stem: str, handle: str) -> None:
    """Publish an organization and make a member the next of a pool."""
    pools = {pool.file: pool for pool in organization.pools.values()}
    publication = Publication(0, "h", {}, [published(pool) for pool in pools.values()], "test")
    await GenerationStore(store, Settings()).publish(organization.id, publication)
    pool = pools[f"pools/{stem}.yaml"]
    person = next(p for p in pool.participants if p.member.handle == handle)
    assert await PoolStore(store).point(organization.id, pool.id, person.id)


async def test_the_pointer_is_read_from_redis_and_stays(
    root: Path, redis_url: str, store: RedisStore
) -> None:
    """Explaining twice gives the same person: no turn is taken."""
    organizations, _ = load(root)
    await point(store, organizations["acme"], "rest", "cy")

    for _ in range(2):
        found = await asyncio.to_thread(told, "--redis-url", redis_url)

        assert found["next"] == {"handle": "cy", "order": 2}
        assert found["turn_assumed"] is False


async def test_the_embedded_server_is_found_by_its_data_directory(
    root: Path, tmp_path: Path, redis_url: str, store: RedisStore
) -> None:
    (tmp_path / ".pointsman").mkdir()
    (tmp_path / ".pointsman" / "socket").write_text(redis_url.removeprefix("unix://") + "\n")
    organizations, _ = load(root)
    await point(store, organizations["acme"], "rest", "cy")

    found = await asyncio.to_thread(told)

    assert (found["next"]["handle"], found["turn_assumed"]) == ("cy", False)
