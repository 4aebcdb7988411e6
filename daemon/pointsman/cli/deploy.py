"""``pointsman deploy``: saved flows made live, where that waits for somebody to say so.

Works beside a running daemon, on what is published: a file that no daemon has loaded yet counts as
not saved.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from pointsman.app.loading import author
from pointsman.app.server import Server
from pointsman.cli.connected import known_id, served
from pointsman.cli.options import ConfigDirOption, DataDir, RedisUrl, read_settings
from pointsman.cli.told_plugins import known_plugins
from pointsman.config.arrival import arrived
from pointsman.config.deploying import Desk, opened
from pointsman.config.deployment import called, difference
from pointsman.config.load import files_hash, read_tree
from pointsman.errors import PointsmanError
from pointsman.store.deployments import Deployed, DeploymentStore
from pointsman.store.generations import Generation, GenerationStore
from pointsman.store.stored import rfc3339

__all__ = ["deploy"]

Flows = Annotated[
    list[str] | None,
    typer.Argument(metavar="FLOW", help="Names of flows' files, or ids; none: all."),
]


def deploy(
    flows: Flows = None,
    *,
    organization: Annotated[
        str | None, typer.Option("--organization", "-o", help="Needed if there are several.")
    ] = None,
    diff: Annotated[
        bool, typer.Option("--diff", help="Only print what would become of what is live.")
    ] = False,
    versions: Annotated[
        bool, typer.Option("--versions", help="Only list the versions that were live.")
    ] = False,
    revert: Annotated[
        int | None,
        typer.Option("--revert", min=1, metavar="VERSION", help="Make this version live again."),
    ] = None,
    config_dir: ConfigDirOption = None,
    data_dir: DataDir = None,
    redis_url: RedisUrl = None,
) -> None:
    """Make saved flows live, where organization.yaml says deploy: manual.

    A flow whose file is gone is taken down. All that is named becomes live at once, or nothing.
    """
    if revert is not None or versions:
        _one(flows)
    settings = read_settings(config_dir=config_dir, data_dir=data_dir, redis_url=redis_url)
    known_plugins(settings.plugins_dir)
    root = settings.config_dir if settings.config_dir.is_dir() else None

    async def call(server: Server) -> list[str]:
        generations = GenerationStore(server.store, settings)
        handle = organization or await _only(generations)
        identifier = await known_id(generations, handle)
        desk = await opened(generations, handle, identifier, root)
        if root and not versions and revert is None:
            _tell_of_unsaved(root, handle, desk.generation)
        counter = _Counter(desk, generations, DeploymentStore(server.store), identifier)
        if versions:
            return await counter.versions(_one(flows))
        if revert is not None:
            return await counter.revert(_one(flows), revert, only_look=diff)
        return counter.differences(flows) if diff else await counter.deploy(flows)

    for line in served(settings, call):
        typer.echo(line)


class _Counter(NamedTuple):
    """Where one organization's flows are asked for and deployed; all it does returns lines."""

    desk: Desk
    generations: GenerationStore
    deployments: DeploymentStore
    organization_id: str

    async def deploy(self, names: list[str] | None) -> list[str]:
        """Make what is saved live."""
        changes = {flow_id: self._name(flow_id) for flow_id in self._meant(names)}
        return await self._publish("flow.deploy", {"flows": [*changes]}, changes)

    def differences(self, names: list[str] | None) -> list[str]:
        """Tell what deploying would change."""
        return [
            line
            for flow_id in self._meant(names)
            for line in difference(self.desk.live(flow_id), self.desk.saved(flow_id))
        ]

    async def revert(self, name: str, number: int, *, only_look: bool) -> list[str]:
        """Make an earlier version live, or tell what that would change."""
        flow_id = self._flow(name)
        version = await self._version(flow_id, name, number)
        if only_look:
            return [*difference(self.desk.live(flow_id), version, "version")]
        content = {"flow": flow_id, "file": version.file, "text": version.text.decode()}
        return await self._publish("flow.bring_back", content, {flow_id: self._name(flow_id)})

    async def versions(self, name: str) -> list[str]:
        """List the versions that were live, newest first."""
        flow_id = self._flow(name)
        live = (await self.deployments.live(self.organization_id)).get(flow_id)
        return [
            f"{each.number:>6}  {rfc3339(each.at)}  {each.deployed.file}  {each.by}"
            f"{'  (live)' if live and live.version == each.number else ''}"
            for each in await self.deployments.versions(self.organization_id, flow_id)
        ]

    async def _publish(
        self, kind: str, content: Mapping[str, Any], names: Mapping[str, str]
    ) -> list[str]:
        made = await self.desk.publish(self.generations, kind, content, author())
        if made is None:
            return ["nothing to deploy: what is live is that already"]
        await arrived(self.generations, {self.organization_id: made.number})
        live = await self.deployments.live(self.organization_id)
        told = {each: f"version {live[each].version} is live" for each in names if each in live}
        lines = [f"{name}: {told.get(each, 'taken down')}" for each, name in names.items()]
        handle = self.desk.subject.organization.handle
        return [*lines, f"{handle}: generation {made.number}"]

    async def _version(self, flow_id: str, name: str, number: int) -> Deployed:
        known = await self.deployments.versions(self.organization_id, flow_id)
        for version in known:
            if version.number == number:
                return version.deployed
        kept = ", ".join(str(version.number) for version in known) or "none"
        raise PointsmanError(f"flow '{name}' has no version {number}; kept are: {kept}")

    def _meant(self, names: list[str] | None) -> list[str]:
        return called(self.desk.subject, names) if names else [*self.desk.pending]

    def _flow(self, name: str) -> str:
        """Return the id of the flow of this name: the saved one, if the live one is another."""
        return called(self.desk.subject, [name])[0]

    def _name(self, flow_id: str) -> str:
        found = self.desk.saved(flow_id) or self.desk.live(flow_id)
        return found.stem if found else flow_id


def _one(flows: list[str] | None) -> str:
    if flows is None or len(flows) != 1:
        raise typer.BadParameter("name one flow", param_hint="FLOW")
    return flows[0]


def _tell_of_unsaved(root: Path, handle: str, published: Generation) -> None:
    """Say that the files here are others: somebody may think that they are what is deployed."""
    files = read_tree(root).organizations.get(handle)
    if files is not None and files_hash(files) != published.hash:
        typer.echo(
            f"{root / handle} is not what is published (generation {published.number}), which is "
            "what counts as saved: a change there is not loaded yet, or refused (pointsman check)",
            err=True,
        )


async def _only(generations: GenerationStore) -> str:
    """Return the organization that there is, if there is one alone."""
    known = sorted(await generations.organizations())
    if len(known) != 1:
        published = ", ".join(known) or "none is published"
        raise PointsmanError(f"which organization? name one with --organization ({published})")
    return known[0]
