"""Members over the API."""

from __future__ import annotations

from listening import Site, bearer

PATH = "/api/v1/members"


async def test_members_are_listed_with_their_ids(site: Site) -> None:
    listed = await (await site.client.get(PATH, headers=bearer("reader"))).json()

    acme = site.serving.current.organizations["acme"]
    assert [member["handle"] for member in listed["data"]] == ["ada", "bob", "eve"]
    assert listed["data"][0] == {
        "id": acme.handles["ada"],
        "handle": "ada",
        "name": "Ada Lovelace",
        "email": "ada@example.com",
        "phone": None,
        "isActive": True,
        "roles": [],
    }
    assert listed["data"][2]["isActive"] is False
    assert listed["pagination"] == {"total": 3, "limit": 50, "offset": 0, "hasMore": False}


async def test_pages_of_members(site: Site) -> None:
    page = await (await site.client.get(f"{PATH}?limit=1&offset=1", headers=bearer("all"))).json()

    assert [member["handle"] for member in page["data"]] == ["bob"]
    assert page["pagination"] == {"total": 3, "limit": 1, "offset": 1, "hasMore": True}


async def test_each_organization_sees_its_own(site: Site) -> None:
    listed = await (await site.client.get(PATH, headers=bearer("rival"))).json()

    assert [member["handle"] for member in listed["data"]] == ["rita"]


async def test_a_page_of_no_size_is_refused(site: Site) -> None:
    answer = await site.client.get(f"{PATH}?limit=0", headers=bearer("all"))

    assert answer.status == 400
