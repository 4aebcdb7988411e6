"""How a tree stands to what is published: who may publish without asking.

A tree is published only over the generation that it was made from. What is neither that generation
nor its child is drift: two publishers with two trees must not take turns in undoing each other.
"""

from __future__ import annotations

from enum import Enum

from pointsman.config.load import files_hash
from pointsman.store.generations import Generation

__all__ = ["NOTHING", "Standing", "explain", "standing"]

NOTHING = files_hash({})
"""Hash of the generation that an organization ends with when its directory is removed."""


class Standing(Enum):
    """What a comparison of tree and published generation comes to."""

    NEW = "nothing is published"
    SAME = "the tree is what is published"
    CHILD = "the tree was changed, and nobody else published since"
    BEHIND = "the tree is as it was, but somebody else published"
    DRIFT = "the tree and what is published were both changed"


def standing(tree: str, remembered: str | None, current: str | None) -> Standing:
    """Compare hashes: the tree's, its hash when it last was what is published, and the latter's."""
    if current is None or current == NOTHING:
        return Standing.NEW
    if tree == current:
        return Standing.SAME
    if remembered == current:
        return Standing.CHILD
    return Standing.BEHIND if tree == remembered else Standing.DRIFT


def explain(stands: Standing, handle: str, current: Generation) -> str:
    """Say what is served instead of the tree, and how to publish the tree all the same."""
    return (
        f"organization '{handle}': {stands.value}; generation {current.number} by "
        f"{current.author} stays in use. Bring its files into the tree "
        f"(pointsman generations show {handle} {current.number}), or publish the tree over it "
        "(pointsman publish --force)"
    )
