"""Steps of flows that plugins do: stored one by one, and never in a lead's way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any

import orjson
import pytest
from pydantic import Field

from listening import ACME, Site, listening
from pointsman import observe
from pointsman.config.load import compile_organization
from pointsman.config.schema import composed
from pointsman.errors import PointsmanError
from pointsman.flows.steps import step_types
from pointsman.peers import answering, hanging, receiver
from pointsman.plugin import (
    ActionError,
    Options,
    StepContext,
    StepOutcome,
    TransientError,
    step,
)
from pointsman.registry import Stage, collecting
from pointsman.step import RESERVED
from pointsman.store.keys import Keys
from pointsman.store.redis import RedisStore
from pointsman.store.timers import Timer

FLOW = """
name: Scored
fields: [email, budget, ssn]
sources: [{key: a}]
steps:
  - type: acme_score
    key: score
    config: {budget: "{{lead.budget}}", who: "Dear {{lead.email}}", credential: scores}
    %(more)s
  - type: filter
    rule_set:
      op: and
      rules: [{lhv: score.outcome, op: is equal to, rhv: failure}]
    outcome: failure
    reason: "{{score.reason}} {{score.points}}"
  - {type: pool, pool: inbound}
"""
LEAD = {"email": "Ada@Example.com", "budget": "9", "ssn": "123-45-6789"}
Score = Callable[["ScoreOptions", StepContext], Any]


class ScoreOptions(Options):
    """Options of the step below."""

    budget: int = Field(default=1, description="What the lead has.", ge=1)
    who: str = Field(description="Whom to score.", max_length=40)
    credential: str = Field(
        default="scores",
        description="Name of the credential.",
        json_schema_extra={"x-credential": True},
    )


def add(score: Score, **values: Any) -> None:
    """Let there be a step type acme_score that does so, as a reload would."""
    with collecting("/plugins/acme.py") as found:

        @step("acme_score", **values)
        async def told(options: ScoreOptions, context: StepContext) -> Any:
            """Score a lead."""
            result = score(options, context)
            return await result if asyncio.iscoroutine(result) else result

    Stage(str(id(found)), found).adopt()


def nothing(*_: Any) -> None:
    """Do nothing."""


async def _nothing(options: ScoreOptions, context: StepContext) -> None:
    """Do nothing."""


@pytest.fixture(autouse=True)
def no_step_stays() -> Iterator[None]:
    yield
    Stage().adopt()


def files(more: str = "") -> dict[str, str]:
    organization = ACME["organization.yaml"] + (
        "credentials: [{name: scores, token: s3cret-token}]\n"
        "outbound: {allow_networks: [127.0.0.0/8]}\n"
    )
    return {**ACME, "organization.yaml": organization, "flows/scored.yaml": FLOW % {"more": more}}


class Desk:
    """A site with that flow, and what is stored by it."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.organization = site.serving.current.organizations["acme"]

    async def post(self, lead: Mapping[str, Any] = LEAD, **headers: str) -> dict[str, Any]:
        path = "/flows/scored/sources/a/submit"
        answer = await self.site.client.post(path, json=lead, headers=headers)
        return {"status": answer.status, **await answer.json()}

    async def events(self, told: Mapping[str, Any]) -> list[dict[str, Any]]:
        key = Keys(self.organization.id).flow_story(told["lead"]["id"])
        found = await self.site.services.store.redis.lrange(key, 0, -1)
        return [orjson.loads(one) for one in found]


@asynccontextmanager
async def desk(store: RedisStore, more: str = "") -> AsyncIterator[Desk]:
    async with listening(store, {"acme": files(more)}) as site:
        yield Desk(site)


def findings(more: str = "", config: str = "", flow: str = "") -> list[str]:
    tree = files(more)
    tree["flows/scored.yaml"] = flow or tree["flows/scored.yaml"]
    if config:
        whole = tree["flows/scored.yaml"]
        here = whole.index("config: {")
        tree["flows/scored.yaml"] = whole[:here] + config + whole[whole.index("\n", here) :]
    raw = {name: text.replace("%(", "(").encode() for name, text in tree.items()}
    raw["organization.yaml"] = b"\n".join(
        line for line in raw["organization.yaml"].split(b"\n") if b"sha256" not in line
    ).replace(b"api_keys:", b"")
    _, problems = compile_organization("acme", raw, root=None)
    return [str(problem) for problem in problems if problem.severity == "error"]


async def test_it_is_filled_in_by_the_lead_and_later_steps_see_what_it_says(
    store: RedisStore,
) -> None:
    seen: list[tuple[ScoreOptions, StepContext]] = []

    def score(options: ScoreOptions, context: StepContext) -> StepOutcome:
        seen.append((options, context))
        return StepOutcome("failure", "too poor", 1.5, {"points": 3})

    add(score)
    async with desk(store) as acme:
        told = await acme.post()

        ((options, context),) = seen
        assert (options.budget, options.who) == (9, "Dear ada@example.com")
        assert context.credential("scores") == "s3cret-token"
        assert context.lead["email"] == "ada@example.com"
        assert context.variables["flow"]["name"] == "Scored"
        assert (told["outcome"], told["reason"]) == ("failure", "too poor 3")
        first = (await acme.events(told))[0]
        assert first["id"] == context.delivery_id
        assert (first["type"], first["key"], first["outcome"]) == ("acme_score", "score", "failure")
        assert (first["price"], first["appended"]) == (1.5, {"points": 3})


async def test_a_mapping_is_a_success_and_an_option_left_blank_has_its_default(
    store: RedisStore,
) -> None:
    add(lambda options, _: {"points": options.budget})
    async with desk(store) as acme:
        told = await acme.post({"email": "ada@example.com"})

        assert told["outcome"] == "success"
        events = await acme.events(told)
        assert [(e["type"], e["outcome"]) for e in events[:3]] == [
            ("acme_score", "success"),
            ("filter", "continue"),
            ("pool", "success"),
        ]
        assert events[0]["appended"] == {"points": 1}


async def test_what_it_repeats_of_what_is_masked_is_in_no_event_and_no_reason(
    store: RedisStore,
) -> None:
    seen: list[Any] = []

    def repeat(_: Any, context: StepContext) -> StepOutcome:
        seen.append(context.lead["ssn"])
        return StepOutcome("failure", appended={"points": context.lead["ssn"]})

    add(repeat)
    async with desk(store) as acme:
        told = await acme.post()
        events = await acme.events(told)

    assert seen == ["123456789"]
    assert events[0]["appended"] == {"points": "[redacted]"}
    assert told["reason"].strip() == events[-1]["reason"].strip() == "[redacted]"
    assert "6789" not in str(events)


def raising(error: BaseException) -> Score:
    def score(options: ScoreOptions, context: StepContext) -> Any:
        raise error

    return score


WRONG = {
    "it may pass": (raising(TransientError("away, 123456789")), "error", "away, [redacted]"),
    "it will not": (raising(ActionError("no s3cret-token")), "error", "no [redacted]"),
    "a bug": (raising(KeyError("x")), "error", "acme_score has a bug: KeyError: 'x'"),
    "an exit": (raising(SystemExit(3)), "error", "acme_score has a bug: PluginExit"),
    "no outcome": (lambda *_: 7, "error", "acme_score has a bug: TypeError: it returned a int"),
    "an outcome of its own": (
        lambda *_: StepOutcome("maybe"),  # type: ignore[arg-type]
        "error",
        "acme_score has a bug: TypeError: its outcome is none of success, failure, error, skip",
    ),
    "no number": (
        lambda *_: StepOutcome(price=float("nan")),
        "error",
        "acme_score has a bug: TypeError: its price is no number",
    ),
    "a skip": (lambda *_: StepOutcome("skip", "not now"), "skip", "not now"),
    "too slow": (lambda *_: asyncio.sleep(9), "error", "acme_score took longer than 0.05 s"),
}


async def test_whatever_it_does_the_lead_goes_on(store: RedisStore) -> None:
    add(nothing)
    async with desk(store, "timeout: 0.05") as acme:
        for case, (score, outcome, reason) in WRONG.items():
            add(score)
            told = await acme.post()

            events = await acme.events(told)
            assert told["outcome"] == "success", case
            assert (events[0]["outcome"], events[2]["type"]) == (outcome, "pool"), case
            assert events[0]["reason"].startswith(reason), case
            assert "s3cret-token" not in orjson.dumps(events).decode(), case


async def test_options_that_a_lead_makes_wrong_skip_the_step(store: RedisStore) -> None:
    add(nothing)
    async with desk(store) as acme:
        told = await acme.post({**LEAD, "budget": "-4"})

        first = (await acme.events(told))[0]
        assert first["outcome"] == "skip"
        assert first["reason"] == "budget: Input should be greater than or equal to 1"


async def test_its_result_is_stored_before_the_next_step_and_not_done_again(
    store: RedisStore,
) -> None:
    """R: killed between two steps, another daemon goes on after the one whose result was stored."""
    calls: list[str] = []

    async def score(options: ScoreOptions, context: StepContext) -> dict[str, Any]:
        calls.append(context.delivery_id)
        answer = await context.http.send("POST", options.who.removeprefix("Dear "), timeout=30)
        return {"status": answer.status}

    add(score)
    async with receiver(hanging, answering(200)) as peer:
        tree = files("timeout: 60")
        tree["flows/scored.yaml"] = tree["flows/scored.yaml"].replace(
            "Dear {{lead.email}}", peer.url
        )
        async with listening(store, {"acme": tree}) as site:
            acme = Desk(site)
            posting = asyncio.create_task(acme.post(LEAD, **{"Idempotency-Key": "one"}))
            await peer.got.wait()
            posting.cancel()
            with suppress(asyncio.CancelledError):
                await posting
            lead = (await _waiting(store, acme.organization.id))[0]
            due = acme.site.services.flights
            timer = Timer(acme.organization.id, "submission", lead, 2**42)
            await due.resume(acme.organization, timer)
            await due.resume(acme.organization, timer)
            told = await acme.post(LEAD, **{"Idempotency-Key": "one"})

            events = await acme.events(told)
            assert (events[0]["outcome"], events[0]["appended"]) == ("success", {"status": 200})
            assert calls == [events[0]["id"]] * 2


async def _waiting(store: RedisStore, organization: str) -> list[str]:
    pattern = f"pm:{{{organization}}}:lead:*:submission".replace("{", "[{]").replace("}", "[}]")
    found = [key.decode() async for key in store.redis.scan_iter(pattern)]
    return [key.removesuffix(":submission")[-24:] for key in found]


async def test_a_changed_plugin_is_used_by_the_next_lead_and_one_that_is_gone_is_an_error(
    store: RedisStore,
) -> None:
    add(lambda *_: {"version": 1})
    async with desk(store) as acme:
        add(lambda *_: {"version": 2})
        told = await acme.post()
        assert (await acme.events(told))[0]["appended"] == {"version": 2}
        failures = observe.child(observe.PLUGIN_FAILURES, "step:acme_score")._value.get()
        add(raising(ValueError("no")))
        await acme.post()

        now = observe.child(observe.PLUGIN_FAILURES, "step:acme_score")._value.get()
        assert now == failures + 1


async def test_steps_of_plugins_are_taken_at_once_in_a_parallel_step(store: RedisStore) -> None:
    together = asyncio.Barrier(2)

    async def score(options: ScoreOptions, context: StepContext) -> None:
        await together.wait()

    add(score)
    tree = files()
    tree["flows/scored.yaml"] = """
name: Scored
sources: [{key: a}]
steps:
  - type: parallel
    steps:
      - {type: acme_score, key: one, config: {who: x}}
      - {type: acme_score, key: two, config: {who: y}}
"""
    async with listening(store, {"acme": tree}) as site:
        events = await Desk(site).events(await Desk(site).post())

        assert [e["outcome"] for e in events] == ["success"] * 4


RIVALS = """
name: Scored
sources: [{key: a}]
steps:
  - type: %s
    key: deal
    steps:
      - {type: acme_score, key: one, config: {who: x}%s}
      - {type: acme_score, key: two, config: {who: y}}
      - {type: acme_score, key: three, config: {who: z}}
"""


async def test_a_lead_goes_to_the_first_step_of_a_plugin_that_takes_it(store: RedisStore) -> None:
    asked: list[str] = []

    def score(options: ScoreOptions, context: StepContext) -> StepOutcome:
        asked.append(options.who)
        return StepOutcome("success", price=7) if options.who == "y" else StepOutcome("failure")

    add(score)
    tree = {**files(), "flows/scored.yaml": RIVALS % ("first_success", "")}
    async with listening(store, {"acme": tree}) as site:
        events = await Desk(site).events(await Desk(site).post())

        assert asked == ["x", "y"]
        assert [(one.get("key"), one["outcome"]) for one in events[:3]] == [
            ("one", "failure"),
            ("two", "success"),
            ("deal", "success"),
        ]
        assert (events[2]["price"], events[2]["appended"]) == (7, {"recipient": "two"})


def test_a_step_of_a_plugin_neither_bids_nor_is_tried_again() -> None:
    add(nothing)

    bidding = findings(flow=RIVALS % ("auction", ""))
    (again,) = findings(flow=RIVALS % ("first_success", ", retry_enabled: true"))

    assert len(bidding) == 3
    assert bidding[0].endswith(
        "steps[0].steps[0].type: 'acme_score' is not known here (known: recipient); only "
        "recipients bid; other steps go before or behind"
    )
    assert "unknown key 'retry_enabled'" in again


def test_the_schema_of_flows_knows_the_type_with_its_options() -> None:
    add(nothing)

    schema = composed("flow")
    options = schema["$defs"]["acme_score_step"]["properties"]["config"]["properties"]
    assert options["who"]["description"] == "Whom to score."
    assert findings() == []


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("config: {who: x, wrong: 1}", "wrong"),
        ("config: {budget: 0, who: x}", "budget"),
        ("config: {budget: many, who: x}", "budget"),
        ("notes: none", "config"),
        ("config: {who: x, credential: score}", "no credential 'score'; did you mean 'scores'?"),
        (
            "config: {who: '{{lead.email | nothing_at_all}}'}",
            "cannot be read at '| nothing_at_all'",
        ),
    ],
)
def test_what_is_wrong_with_a_step_is_told_with_its_place(config: str, message: str) -> None:
    add(nothing)

    (found,) = findings(config=config)
    assert found.startswith("acme/flows/scored.yaml:")
    assert message in found


def test_a_type_that_is_there_no_more_is_a_finding_of_the_flow_that_uses_it() -> None:
    add(nothing)
    Stage().adopt()

    (found,) = findings()
    assert "acme_score" in found


def test_no_plugin_takes_a_name_of_ours() -> None:
    assert set(step_types) < RESERVED
    for name in ("recipient", "source", "Acme", "a b"):
        with pytest.raises(PointsmanError, match="is no name for a step type"):
            step(name)(_nothing)
    with pytest.raises(PointsmanError, match="timeout"):
        step("acme_slow", timeout=timedelta(hours=1))(_nothing)
