"""An earlier generation published again, as a new one.

The tree on disk is left alone: the publisher then tells that its tree is behind, and follows.
"""

from __future__ import annotations

from pathlib import Path

from pointsman.config.load import compile_organization
from pointsman.config.publication import publication
from pointsman.errors import ConfigError, PointsmanError
from pointsman.store.generations import KEPT, Generation, GenerationStore

__all__ = ["roll_back"]


async def roll_back(
    generations: GenerationStore,
    handle: str,
    identifier: str,
    number: int,
    *,
    root: Path | None,
    author: str,
) -> Generation:
    """Publish the files of generation ``number``, with the flows that were live then.

    Returns the new generation.

    Raises ``ConfigError`` if they cannot be compiled here, for example without a variable they
    need: the pointers of pools move with their definition, which only compiling tells.
    """
    known = {each.number: each for each in await generations.list(identifier)}
    current = await generations.current(identifier)
    content = await generations.content(identifier, number)
    if current is None or content is None or number not in known:
        raise PointsmanError(
            f"organization '{handle}' has no generation {number}; the last {KEPT} are kept: "
            + (", ".join(map(str, sorted(known))) or "none")
        )
    wanted = known[number]
    files, deployed = content
    organization, problems = compile_organization(
        handle, files, root=root, pool_ids=wanted.pool_ids, deployed=deployed
    )
    if organization is None:
        raise ConfigError(problems)
    told = publication(
        organization,
        files,
        current,
        f"{author} (rollback to {number})",
        pool_ids=wanted.pool_ids,
        deployed=deployed,
    )
    return await generations.publish(identifier, told)
