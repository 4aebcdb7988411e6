"""What a 201 promises, held against a daemon that is killed; and what the log says of a lead."""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path
from typing import Any

import orjson

from daemons import Process
from listening import ACME, bearer, filled
from pointsman.ids import parse_lead_id
from pointsman.peers import answering, receiver
from support import wait_until
from trees import write

SUBMIT = "/flows/%s/sources/a/submit"
PRIVATE = "very-private@example.com"


SOLD = """
name: Sold
async: %s
fields: [email]
sources: [{key: a}]
steps:
  - type: recipient
    key: crm
    integration: {module_id: json, mappings: [{property: url, value: "%scrm"}]}
  - {type: pool, key: team, pool: spring}
"""


async def test_what_was_acknowledged_survives_a_kill(tmp_path: Path, redis_url: str) -> None:
    """D4, R4: kill -9 right after the answers; the leads, their events and their turns are there.

    Of a flow, too, that said 201, and of one that answered 202 and promised its steps.
    """
    async with receiver(answering(200, {})) as crm:
        config = write(tmp_path / "config", files(crm.url))
        async with Process(config, tmp_path / "daemon", redis_url) as daemon:
            body = {"email": PRIVATE, "first_name": "Very Private"}
            sold = await daemon.answer("POST", SUBMIT % "false", json=body)
            status, told = await daemon.answer("POST", "/intake/acme/webhook", json=body)
            promised = await daemon.answer("POST", SUBMIT % "true", json=body)
            await daemon.kill()
            await daemon.start()

            path = f"/api/v1/leads/{told['leadId']}"
            read, lead = await daemon.answer("GET", path, headers=bearer("all"))
            _, following = await daemon.answer("POST", "/intake/acme/webhook", json=body)
            last = str(parse_lead_id(following["leadId"]))
            await wait_until(lambda: last in daemon.log, "the lead after the kill is logged")
            events = [await _end_of(daemon, answer["lead"]["id"]) for _, answer in (sold, promised)]

    assert (status, read) == (201, 200)
    assert lead["ownerId"] == told["assignedToId"]
    assert lead["timeline"][0]["types"] == ["lead_created", "lead_assigned"]
    assert (told["turnOrder"], following["turnOrder"]) == (1, 2)
    _check_log(daemon.log, last)
    assert (sold[0], promised[0]) == (201, 202)
    assert [one["outcome"] for one in events] == ["success", "success"]
    assert all({"crm", "team"} <= one["vars"].keys() for one in events)
    assert len({got.headers["Idempotency-Key"] for got in crm.requests}) == 2


def files(crm: str) -> dict[str, str]:
    found = filled(ACME)
    found["organization.yaml"] += "outbound: {allow_networks: [127.0.0.0/8]}\n"
    return found | {f"flows/{way}.yaml": SOLD % (way, crm) for way in ("true", "false")}


async def _end_of(daemon: Process, lead: str) -> Any:
    """Return the event that a lead of a flow ends with."""

    async def ended() -> Any:
        path = f"/api/v1/events/{lead}00"
        status, event = await daemon.answer("GET", path, headers=bearer("all"))
        return event if status == HTTPStatus.OK else None

    return await wait_until(ended, "it ends", seconds=30)


def _check_log(text: str, lead_id: str) -> None:
    """One line has the lead's id and generation; none has what the lead says."""
    lines = [orjson.loads(line) for line in text.splitlines()]
    (line,) = [line for line in lines if line.get("lead_id") == lead_id]
    assert (line["event"], line["generation"], line["outcome"]) == ("lead_taken", 1, "assigned")
    assert PRIVATE not in text
    assert "Very Private" not in text
