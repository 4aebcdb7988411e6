"""What a 201 promises, held against a daemon that is killed; and what the log says of a lead."""

from __future__ import annotations

from pathlib import Path

import orjson

from daemons import Process
from listening import ACME, bearer, filled
from pointsman.ids import parse_lead_id
from support import wait_until
from trees import write

PRIVATE = "very-private@example.com"


async def test_what_was_acknowledged_survives_a_kill(tmp_path: Path, redis_url: str) -> None:
    """D4, R4: kill -9 right after the 201; the lead, its event and its turn are there."""
    config = write(tmp_path / "config", filled(ACME))
    async with Process(config, tmp_path / "daemon", redis_url) as daemon:
        body = {"email": PRIVATE, "first_name": "Very Private"}
        status, told = await daemon.answer("POST", "/intake/acme/webhook", json=body)
        await daemon.kill()
        await daemon.start()

        path = f"/api/v1/leads/{told['leadId']}"
        read, lead = await daemon.answer("GET", path, headers=bearer("all"))
        _, following = await daemon.answer("POST", "/intake/acme/webhook", json=body)
        last = str(parse_lead_id(following["leadId"]))
        await wait_until(lambda: last in daemon.log, "the lead after the kill is logged")

        assert (status, read) == (201, 200)
        assert lead["ownerId"] == told["assignedToId"]
        assert lead["timeline"][0]["types"] == ["lead_created", "lead_assigned"]
        assert (told["turnOrder"], following["turnOrder"]) == (1, 2)
        _check_log(daemon.log, last)


def _check_log(text: str, lead_id: str) -> None:
    """One line has the lead's id and generation; none has what the lead says."""
    lines = [orjson.loads(line) for line in text.splitlines()]
    (line,) = [line for line in lines if line.get("lead_id") == lead_id]
    assert (line["event"], line["generation"], line["outcome"]) == ("lead_taken", 1, "assigned")
    assert PRIVATE not in text
    assert "Very Private" not in text
