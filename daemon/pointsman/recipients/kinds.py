"""The kinds of recipients: how each checks its options, asks, and reads what is answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from pointsman.recipients.checks import problem
from pointsman.recipients.given import Given
from pointsman.recipients.replies import Headers, Reply, read_reply, read_soap_reply
from pointsman.recipients.requests import Request, build_request
from pointsman.recipients.standard import read_standard_reply, standard_request

__all__ = ["Kind", "kinds"]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of recipient.

    ``problem`` tells what is wrong with options (``public=False`` allows private addresses);
    ``build`` and ``read`` raise nothing, whatever they are given.
    """

    name: str
    problem: Callable[..., str | None]
    build: Callable[[Given], Request]
    read: Callable[[Given, int, Headers, bytes | None], Reply]


kinds: Mapping[str, Kind] = {
    **{
        name: Kind(name, partial(problem, name), partial(build_request, name), read_reply)
        for name in ("json", "form", "query", "xml")
    },
    "soap": Kind("soap", partial(problem, "soap"), partial(build_request, "soap"), read_soap_reply),
    "default": Kind("default", partial(problem, "default"), standard_request, read_standard_reply),
}
