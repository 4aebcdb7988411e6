"""Files to rules, every finding of every file before anything is refused.

Four phases, each total: YAML, schema, typed objects, references. An organization with an error
anywhere compiles to ``None``; warnings and hints do not stop it. Nothing here changes anything:
publishing and serving what was compiled is for others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

from pointsman.config import references
from pointsman.config.documents import Page, checked
from pointsman.config.dropins import load_dropins
from pointsman.config.faults import Fault
from pointsman.config.live import CompileFlow, Live, flow_compiler, live_flows, named
from pointsman.config.organization import Header, compile_header, identifier
from pointsman.config.reading import Document, Positions
from pointsman.config.record_fields import check_record_fields
from pointsman.config.tree import kind_of, normal_name, read_tree, shown_path
from pointsman.errors import ConfigError, Problem
from pointsman.fields.table import FieldTable, compile_fields
from pointsman.flow import Destination, SuppressionList
from pointsman.flows.destinations import compile_destination
from pointsman.flows.lists import compile_list
from pointsman.model import Organization, Pool, Workflow
from pointsman.pools.compile import compile_pool
from pointsman.pools.match import PoolIndex
from pointsman.store.deployments import Deployment
from pointsman.workflows.compile import compile_workflow
from pointsman.workflows.notices import compile_notices

__all__ = [
    "claimed_twice",
    "compile_organization",
    "compile_pools",
    "files_hash",
    "load",
    "read_tree",
]

Files = Mapping[str, bytes]
T = TypeVar("T")
N = TypeVar("N", Destination, SuppressionList)

_ROOT = "organization.yaml"
_STRAY = Fault(1, 1, "", "this version knows no such file")


def load(
    root: Path, plugins_dir: Path | None = None
) -> tuple[dict[str, Organization], list[Problem]]:
    """Return what the tree under ``root`` compiles to, by handle, and everything wrong with it.

    What is right in ``plugins_dir`` is known from then on.
    """
    plugins = load_dropins(plugins_dir) if plugins_dir else ()
    tree = read_tree(root)
    problems = [*plugins, *tree.problems]
    organizations: dict[str, Organization] = {}
    for handle, files in tree.organizations.items():
        organization, found = compile_organization(handle, files, root=root)
        problems += found
        if organization is not None:
            organizations[handle] = organization
    problems += claimed_twice(organizations, root)
    return organizations, sorted(problems)


def compile_organization(
    handle: str,
    files: Files,
    *,
    root: Path | None,
    pool_ids: Mapping[str, str] | None = None,
    deployed: Deployment | None = None,
) -> tuple[Organization | None, list[Problem]]:
    """Return what one organization's files compile to (``None`` with errors), and the findings.

    ``root`` is the configuration directory, ``None`` where there is none (a follower). ``pool_ids``
    are ids, by path, that pools keep from before their file was renamed; one in the file wins.
    ``deployed`` is what of the flows is live, ``None`` if that is what the files say.
    """
    compilation = _Compilation(handle, files, root, pool_ids or {}, deployed)
    organization = compilation.run()
    problems = sorted(compilation.problems)
    if any(problem.severity == "error" for problem in problems):
        return None, problems
    return organization, problems


def compile_pools(
    handle: str, files: Files, *, pool_ids: Mapping[str, str] | None = None
) -> tuple[Header, list[Pool]]:
    """Return what one organization's published files say of its people and pools.

    For who only looks at them: secrets and plugins need not be there. Raises ``ConfigError`` for
    files that no version like this one has published.
    """
    return _Compilation(handle, files, None, pool_ids or {}).people()


def files_hash(files: Files) -> str:
    """Return the SHA-256 of files and their names, in hex; secrets are in it unresolved."""
    digest = sha256()
    for name in sorted(files):
        for part in (name.encode(), files[name]):
            digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


class _Compilation:
    """One organization's way through the phases."""

    def __init__(
        self,
        handle: str,
        files: Files,
        root: Path | None,
        pool_ids: Mapping[str, str],
        deployed: Deployment | None = None,
    ) -> None:
        self.problems: list[Problem] = []
        self._deployed = deployed
        self._pool_ids = pool_ids
        self._handle = handle
        self._files = files
        self._root = root
        self._pages = {page.name: page for page in self._valid()}

    def run(self) -> Organization | None:
        """Return the organization, as far as it compiles, or ``None`` without its root file."""
        root = self._page(_ROOT)
        if root is None:
            if _ROOT not in map(normal_name, self._files):
                shown = shown_path(self._handle, "", self._root)
                message = "no organization.yaml here; each organization's directory needs one"
                self.problems.append(Problem(shown, 1, 1, "", message))
            return None
        folder = self._root / self._handle if self._root else None
        header = compile_header(root, self._handle, folder)
        return self._assembled(header, self._fields())

    def people(self) -> tuple[Header, list[Pool]]:
        """Return what the root file and the pools say."""
        root = self._page(_ROOT)
        if root is None:
            raise ConfigError(self.problems)
        header = compile_header(root, self._handle, None)
        return header, [pool for _, pool in self._pools(header)]

    def _assembled(self, header: Header, fields: FieldTable) -> Organization:
        pools = self._pools(header)
        workflows = self._workflows(header)
        lists = self._lists(header)
        destinations = self._destinations(header, fields)
        compile_page = self._flow_compiler(header, pools, fields, lists, destinations)
        flows = self._compiled("flows", lambda page: compile_page(page, None))
        self._check(header, fields, pools, workflows, flows)
        live = self._live(flows, compile_page)
        if live.pages is not flows:
            references.check_flows(live.pages, pools, header, fields)
        return Organization(
            id=header.id,
            handle=self._handle,
            name=header.name,
            hash=files_hash(self._files),
            fields=fields,
            matcher=PoolIndex(pool for _, pool in pools),
            time_zone=header.time_zone,
            members=header.members,
            handles=header.handles,
            keys=header.keys,
            pools={pool.id: pool for _, pool in pools},
            workflows={workflow.id: workflow for _, workflow in workflows},
            triggers=_triggers(
                chain((workflow for _, workflow in workflows), _notices(header, pools))
            ),
            flows=references.routes(live.pages),
            lists={listed.id: listed for listed in lists.values()},
            destinations={each.id: each for each in destinations.values()},
            named_flows=named(live.pages),
            saved_flows=named(flows),
            manual_deploy=header.manual_deploy,
            undeployed=live.undeployed,
            credentials=header.credentials,
            environment=header.environment,
            mail=header.mail,
            twilio=header.twilio,
            firehose=header.firehose,
            lead_url=header.lead_url,
            lead_webhook=header.lead_webhook,
            automation=header.automation,
            meta=header.meta,
            flows_api=header.flows_api,
            intake_auth=header.intake_auth,
            intake_limit=header.intake_limit,
            keep_history=header.keep_history,
            workflow_depth=header.workflow_depth,
            allow_networks=header.allow_networks,
        )

    def _check(
        self,
        header: Header,
        fields: FieldTable,
        pools: references.Pools,
        workflows: references.Workflows,
        flows: references.Flows,
    ) -> None:
        references.check_ids("pool", pools)
        references.check_ids("workflow", workflows)
        references.check_ids("flow", flows)
        references.check_pools(pools, header, workflows)
        named = dict.fromkeys(self._stems("pools"), "")
        named |= {page.stem: pool.id for page, pool in pools}
        references.check_workflows(workflows, header, named)
        check_record_fields(workflows, fields)
        references.check_flows(flows, pools, header, fields)
        if header.manual_deploy:
            references.advise_ids(flows)
        called = [*self._stems("flows"), *(flow.id for _, flow in flows)]
        stems = (self._stems("pools"), self._stems("workflows"), called)
        references.check_tests(self._of("tests"), header, *stems)

    def _valid(self) -> Iterator[Page]:
        """Yield the files that are what their schemas allow; note what is wrong with the others."""
        for name in sorted(self._files):
            raw, shown = self._files[name], shown_path(self._handle, name, self._root)
            kind = kind_of(name)
            document = checked(kind, raw) if kind else Document(None, (_STRAY,))
            self.problems += [
                Problem(shown, fault.line, fault.column, fault.pointer, fault.message)
                for fault in document.faults
            ]
            if not document.faults:
                yield Page(name, shown, document.data, Positions(raw), self.problems)

    def _page(self, name: str) -> Page | None:
        return self._pages.get(name) or self._pages.get(name.replace(".yaml", ".yml"))

    def _of(self, folder: str) -> list[Page]:
        return [page for name, page in self._pages.items() if name.startswith(f"{folder}/")]

    def _stems(self, folder: str) -> list[str]:
        """Return what files of a folder are called by others, the broken ones too."""
        names = [name for name in self._files if name.startswith(f"{folder}/")]
        return [name.rpartition("/")[2].rpartition(".")[0] for name in names]

    def _fields(self) -> FieldTable:
        page = self._page("fields.yaml")
        return compile_fields(page.data, page.report) if page else compile_fields(None, _nowhere)

    def _pools(self, header: Header) -> list[tuple[Page, Pool]]:
        members = header.called()
        ids = {
            page.name: identifier(page, header, "pool", self._pool_ids.get(page.name))
            for page in self._of("pools")
        }
        named = {page.stem: ids[page.name] for page in self._of("pools")}
        named |= {pool_id: pool_id for pool_id in ids.values()}
        return self._compiled(
            "pools",
            lambda page: compile_pool(
                file=page.name,
                document=page.data,
                pool_id=ids[page.name],
                organization_id=header.id,
                members=members,
                report=page.report,
                time_zone=header.time_zone,
                pools=named,
            ),
        )

    def _workflows(self, header: Header) -> list[tuple[Page, Workflow]]:
        return self._compiled(
            "workflows",
            lambda page: compile_workflow(
                file=page.name,
                document=page.data,
                workflow_id=identifier(page, header, "workflow"),
                organization_id=header.id,
                report=page.report,
            ),
        )

    def _flow_compiler(
        self,
        header: Header,
        pools: references.Pools,
        fields: FieldTable,
        lists: Mapping[str, SuppressionList],
        destinations: Mapping[str, Destination],
    ) -> CompileFlow:
        known = dict.fromkeys(self._stems("pools"), "")
        known |= {pool.id: pool.id for _, pool in pools}
        known |= {page.stem: pool.id for page, pool in pools}
        return flow_compiler(header, known, fields, lists, destinations)

    def _live(self, saved: references.Flows, compile_page: CompileFlow) -> Live:
        """Return the flows that are live: those of the files, unless others were deployed."""
        if self._deployed is None:
            return Live(saved)
        return live_flows(
            self._deployed,
            saved,
            self._files,
            compile_page=compile_page,
            problems=self.problems,
            shown=lambda name: shown_path(self._handle, name, self._root),
        )

    def _destinations(self, header: Header, fields: FieldTable) -> dict[str, Destination]:
        return self._named(
            "destination",
            header,
            lambda page, identifier: compile_destination(
                file=page.name,
                document=page.data,
                destination_id=identifier,
                types=fields.types,
                report=page.report,
            ),
        )

    def _lists(self, header: Header) -> dict[str, SuppressionList]:
        return self._named(
            "list",
            header,
            lambda page, identifier: compile_list(
                file=page.name, document=page.data, list_id=identifier
            ),
        )

    def _named(
        self, kind: str, header: Header, compile_page: Callable[[Page, str], N]
    ) -> dict[str, N]:
        """Return what flows name, by file stem and by id."""
        found: dict[str, N] = {}
        for page in self._of(f"{kind}s"):
            each = compile_page(page, identifier(page, header, kind))
            if each.id in found:
                page.report(("id",), f"the {kind} in {found[each.id].file} has this id")
            found |= {page.stem: each, each.id: each}
        return found

    def _compiled(self, folder: str, compile_page: Callable[[Page], T]) -> list[tuple[Page, T]]:
        return [(page, compile_page(page)) for page in self._of(folder)]


def _notices(header: Header, pools: references.Pools) -> Iterator[Workflow]:
    """Yield the workflows that nobody writes: mails about turns."""
    if header.mail is not None:
        for _, pool in pools:
            yield from compile_notices(pool, header.members, header.id, header.lead_url)


def _triggers(workflows: Iterator[Workflow]) -> dict[tuple[str, str], list[Workflow]]:
    """Return the active workflows by what starts them."""
    found: dict[tuple[str, str], list[Workflow]] = {}
    for workflow in workflows:
        if workflow.active:
            found.setdefault((workflow.module, workflow.trigger_type), []).append(workflow)
    return found


def claimed_twice(organizations: Mapping[str, Organization], root: Path) -> Iterator[Problem]:
    """Yield ids and keys that two organizations claim; each finds its tenant by them."""
    first: dict[str, str] = {}
    for handle, organization in organizations.items():
        claims = {organization.id: "id"} | {key.sha256: "API key" for key in organization.keys}
        for value, kind in claims.items():
            owner = first.setdefault(value, handle)
            if owner != handle:
                shown = shown_path(handle, _ROOT, root)
                yield Problem(shown, 1, 1, "", f"organization '{owner}' has the same {kind}")


def _nowhere(path: tuple[Any, ...], message: str) -> None:
    raise AssertionError(f"{path}: {message}")
