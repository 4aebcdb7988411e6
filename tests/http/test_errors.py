"""What callers see when something breaks."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from listening import Site, bearer
from pointsman.store.leads import LeadStore


async def test_a_bug_is_a_500_without_its_trace(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """INTERNAL_ERROR tells the caller nothing of our inside; the log has it all."""

    async def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("inner secret")

    monkeypatch.setattr(LeadStore, "take", broken)
    with capture_logs() as lines:
        answer = await site.client.post("/intake/acme/webhook", json={"email": "a@example.com"})

    text = await answer.text()
    (line,) = [line for line in lines if line["event"] == "request_failed"]
    assert answer.status == 500
    assert (await answer.json())["error"]["code"] == "INTERNAL_ERROR"
    assert "inner secret" not in text
    assert "Traceback" not in text
    assert line["route"] == "/intake/{organization}/webhook"
    assert isinstance(line["exc_info"], ZeroDivisionError)


async def test_a_bug_in_one_line_of_many_stays_in_its_line(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The border of one lead."""
    take = LeadStore.take

    async def broken(self: LeadStore, organization: str, lead: object, *rest: object) -> object:
        if "boom@" in str(lead):
            raise ZeroDivisionError
        return await take(self, organization, lead, *rest, idempotency=None)  # type: ignore[arg-type]

    monkeypatch.setattr(LeadStore, "take", lambda s, o, lead, *r, **_: broken(s, o, lead, *r))
    lines = b'{"email":"a@example.com"}\n{"email":"boom@example.com"}\n{"email":"b@example.com"}'
    headers = {**bearer("all"), "Content-Type": "application/x-ndjson"}

    answer = await site.client.post("/api/v1/leads/bulk", data=lines, headers=headers)

    statuses = [line.split(b'"status":')[1][:3] for line in (await answer.read()).splitlines()]
    assert statuses == [b"201", b"500", b"201"]


async def test_no_answer_tells_what_the_daemon_is_made_of(site: Site) -> None:
    """Whatever room it comes from: vendors, recipients, the API, a list bit by bit, nowhere."""
    lines = {**bearer("all"), "Content-Type": "application/x-ndjson"}
    answers = [
        await site.client.post("/flows/none/sources/none/submit"),
        await site.client.put("/feedback"),
        await site.client.get("/feedback", headers={"Accept": "image/png"}),
        await site.client.get("/api/v1/members", headers=bearer("all")),
        await site.client.post("/api/v1/leads/bulk", data=b"{}\n", headers=lines),
        await site.client.get("/metrics"),
        await site.client.get("/nowhere"),
    ]

    assert {answer.headers["Server"] for answer in answers} == {"pointsman"}
