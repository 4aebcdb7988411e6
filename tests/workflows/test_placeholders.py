"""What the placeholders of a running step can name, and what is stored of it."""

from __future__ import annotations

from pointsman.model import MailServer
from pointsman.store.redis import RedisStore
from pointsman.testing import receiver
from working import House, add_tag, engine, make_workflow, organization_with, webhook


async def test_a_step_reads_what_the_organization_allows_and_its_secrets_are_not_stored(
    store: RedisStore, redis_url: str
) -> None:
    """A variable whose name says secret is one, and so is the password of the mail server."""
    environment = {"CRM_PATH": "leads", "CRM_TOKEN": "t0ken-of-the-crm"}
    mail = MailServer("mail.example", 25, "none", "a@b.example", "u", "pass of the mail")
    body = {"a": "{{env.CRM_TOKEN}}", "b": "pass of the mail", "c": "{{organization.time_zone}}"}

    async with receiver() as peer:
        workflow = make_workflow(webhook(f"{peer.url}{{{{env.CRM_PATH}}}}", body=body))
        house = House(
            store,
            organization_with(workflow, environment=environment, mail=mail, time_zone="Asia/Tokyo"),
        )
        async with engine(house, redis_url):
            await house.post()
            (run,) = await house.finished(workflow)

    (request,) = peer.requests
    assert request.path == "/leads"
    assert request.json() == {"a": "t0ken-of-the-crm", "b": "pass of the mail", "c": "Asia/Tokyo"}
    assert run.steps[0].input["url"] == f"{peer.url}leads"
    assert run.steps[0].input["body"] == {"a": "[redacted]", "b": "[redacted]", "c": "Asia/Tokyo"}


async def test_a_step_whose_placeholders_stand_for_too_much_fails(
    store: RedisStore, redis_url: str
) -> None:
    many = ["x{{trigger.first_name}}"] * 40
    workflow = make_workflow({"action_type": "add_tag", "config": {"tags": many}}, add_tag("b"))
    house = House(store, organization_with(workflow))

    async with engine(house, redis_url):
        lead = await house.post(first_name="x" * 50_000)
        (run,) = await house.finished(workflow)

    assert run.status == "failed"
    assert "more than 1000000 characters" in str(run.steps[0].error)
    assert await house.tags(lead) == []


async def test_what_is_missing_is_recorded_unless_a_default_stands_for_it(
    store: RedisStore, redis_url: str
) -> None:
    workflow = make_workflow(add_tag("a-{{trigger.nobody}}", "b-{{trigger.no | default: 'x'}}"))
    house = House(store, organization_with(workflow))

    async with engine(house, redis_url):
        lead = await house.post()
        (run,) = await house.finished(workflow)

    assert await house.tags(lead) == ["a-", "b-x"]
    assert run.steps[0].missing == ["trigger.nobody"]
