"""Machines that publish: each has a tree, a data directory and what it serves."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pointsman.config.changes import TreeChanges
from pointsman.config.memory import Memory
from pointsman.config.publish import Publisher
from pointsman.config.serving import Serving
from pointsman.model import Organization
from pointsman.plugin import load_plugins
from pointsman.settings import Settings
from pointsman.store.generations import GenerationStore
from pointsman.store.redis import RedisStore

__all__ = ["Machine"]


class Machine:
    """A publisher with a tree and a data directory; ``restart`` forgets what is in memory."""

    def __init__(self, root: Path, store: RedisStore) -> None:
        load_plugins()
        self.root = root
        self.generations = GenerationStore(store, Settings())
        self.restart()

    @property
    def served(self) -> Organization:
        """The organization that most trees have, as it is served."""
        return self.serving.current.organizations["acme"]

    def restart(self) -> None:
        """Begin with what is on disk and in Redis."""
        folder = self.root.parent
        self.serving = Serving(self.generations, self.root)
        self.publisher = Publisher(
            self.root, self.generations, self.serving, Memory(folder / "data"), author=folder.name
        )
        self.changes = TreeChanges(self.root, self.publisher)

    def edit(self, files: Mapping[str, str | None], handle: str = "acme") -> None:
        """Change files of the tree; nothing is loaded."""
        for name, text in files.items():
            path = self.root / handle / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink() if text is None else path.write_text(text)
