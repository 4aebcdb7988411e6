"""Files to rules, every finding of every file before anything is refused.

Four phases, each total: YAML, schema, typed objects, references. An organization with an error
anywhere compiles to ``None``; warnings and hints do not stop it. Nothing here changes anything:
publishing and serving what was compiled is for others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

from pointsman.config import references
from pointsman.config.documents import Page, checked
from pointsman.config.faults import Fault
from pointsman.config.organization import Header, compile_header
from pointsman.config.reading import Document, Positions
from pointsman.config.tree import kind_of, normal_name, read_tree
from pointsman.errors import Problem
from pointsman.fields.table import FieldTable, compile_fields
from pointsman.flows.compile import compile_flow
from pointsman.ids import derived, short
from pointsman.model import Flow, Organization, Pool, Workflow
from pointsman.pools.compile import compile_pool
from pointsman.pools.match import PoolIndex
from pointsman.workflows.compile import compile_workflow

__all__ = [
    "claimed_twice",
    "compile_organization",
    "files_hash",
    "load",
    "mass_deletion",
    "read_tree",
]

Files = Mapping[str, bytes]
T = TypeVar("T")

_FEW = 4
_ROOT = "organization.yaml"
_STRAY = Fault(1, 1, "", "this version knows no such file")


def load(root: Path) -> tuple[dict[str, Organization], list[Problem]]:
    """Return what the tree under ``root`` compiles to, by handle, and everything wrong with it."""
    tree = read_tree(root)
    problems = list(tree.problems)
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
) -> tuple[Organization | None, list[Problem]]:
    """Return what one organization's files compile to (``None`` with errors), and the findings.

    ``root`` is the configuration directory, ``None`` where there is none (a follower). ``pool_ids``
    are ids, by path, that pools keep from before their file was renamed; one in the file wins.
    """
    compilation = _Compilation(handle, files, root, pool_ids or {})
    organization = compilation.run()
    problems = sorted(compilation.problems)
    if any(problem.severity == "error" for problem in problems):
        return None, problems
    return organization, problems


def files_hash(files: Files) -> str:
    """Return the SHA-256 of files and their names, in hex; secrets are in it unresolved."""
    digest = sha256()
    for name in sorted(files):
        for part in (name.encode(), files[name]):
            digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def mass_deletion(
    handle: str, old: Files, new: Files, *, root: Path | None = None
) -> list[Problem]:
    """Return what to say of a reload that removes most pools, workflows or flows at once.

    That is more than half of at least four, unless organization.yaml has ``allow_mass_delete``.
    """
    data = checked("organization", new[_ROOT]).data if _ROOT in new else None
    if data and data.get("allow_mass_delete"):
        return []
    shown = _shown(handle, _ROOT, root)
    return [
        Problem(
            shown,
            1,
            1,
            "",
            f"this would remove {gone} of {before} {folder}; if that is "
            "meant, set allow_mass_delete: true",
        )
        for folder in ("pools", "workflows", "flows")
        if (before := len(_stems(folder, old))) >= _FEW
        and (gone := len(_stems(folder, old) - _stems(folder, new))) * 2 > before
    ]


class _Compilation:
    """One organization's way through the phases."""

    def __init__(
        self, handle: str, files: Files, root: Path | None, pool_ids: Mapping[str, str]
    ) -> None:
        self.problems: list[Problem] = []
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
                shown = _shown(self._handle, "", self._root)
                message = "no organization.yaml here; each organization's directory needs one"
                self.problems.append(Problem(shown, 1, 1, "", message))
            return None
        folder = self._root / self._handle if self._root else None
        header = compile_header(root, self._handle, folder)
        return self._assembled(header, self._fields())

    def _assembled(self, header: Header, fields: FieldTable) -> Organization:
        pools = self._pools(header)
        workflows = self._workflows(header)
        flows = self._flows(header, pools)
        self._check(header, fields, pools, workflows, flows)
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
            triggers=_triggers(workflow for _, workflow in workflows),
            flows=references.routes(flows),
            credentials=header.credentials,
            environment=header.environment,
            mail=header.mail,
            twilio=header.twilio,
            lead_webhook=header.lead_webhook,
            intake_auth=header.intake_auth,
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
        references.check_workflows(workflows, header)
        references.check_flows(flows, pools, fields)
        stems = (self._stems("pools"), self._stems("workflows"))
        references.check_tests(self._of("tests"), header, *stems)

    def _valid(self) -> Iterator[Page]:
        """Yield the files that are what their schemas allow; note what is wrong with the others."""
        for name in sorted(self._files):
            raw, shown = self._files[name], _shown(self._handle, name, self._root)
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
            page.name: _identifier(page, header, "pool", self._pool_ids.get(page.name))
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
                workflow_id=_identifier(page, header, "workflow"),
                organization_id=header.id,
                report=page.report,
            ),
        )

    def _flows(self, header: Header, pools: list[tuple[Page, Pool]]) -> list[tuple[Page, Flow]]:
        known = dict.fromkeys(self._stems("pools"), "")
        known |= {pool.id: pool.id for _, pool in pools}
        known |= {page.stem: pool.id for page, pool in pools}
        return self._compiled(
            "flows",
            lambda page: compile_flow(
                file=page.name,
                document=page.data,
                flow_id=page.data.get("id") or short(_identifier(page, header, "flow")),
                organization_id=header.id,
                pools=known,
                report=page.report,
            ),
        )

    def _compiled(self, folder: str, compile_page: Callable[[Page], T]) -> list[tuple[Page, T]]:
        return [(page, compile_page(page)) for page in self._of(folder)]


def _identifier(page: Page, header: Header, kind: str, kept: str | None = None) -> str:
    """Return the id that a file writes, else the one it kept or that follows from its place."""
    found = page.data.get("id") or kept or derived(header.id, kind, normal_name(page.name))
    return str(found).lower()


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
                shown = _shown(handle, _ROOT, root)
                yield Problem(shown, 1, 1, "", f"organization '{owner}' has the same {kind}")


def _stems(folder: str, files: Files) -> set[str]:
    return {normal_name(name) for name in files if name.startswith(f"{folder}/")}


def _shown(handle: str, name: str, root: Path | None) -> str:
    """Return what findings call a file: a path that an editor can open."""
    place = Path(handle, name)
    return str(root / place if root else place)


def _nowhere(path: tuple[Any, ...], message: str) -> None:
    raise AssertionError(f"{path}: {message}")
