"""What goes into the wheel is listed by hand in pyproject.toml; the lists must equal the tree."""

from __future__ import annotations

import re
import tomllib
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = {"pointsman": "daemon/pointsman"} | {
    f"pointsman.{name}": name for name in ("plugins", "schemas")
}
TARGETS = {"install", "run", "test", "check", "bench", "soak", "clean"}


@pytest.fixture(scope="module", name="project")
def load_project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def folders() -> dict[str, Path]:
    """Every package of the tree by its import name."""
    found = {}
    for package, folder in FOLDERS.items():
        for module in (ROOT / folder).rglob("*.py"):
            name = ".".join((package, *module.parent.relative_to(ROOT / folder).parts))
            found[name] = module.parent
    return found


def test_packages_equal_the_tree(project: dict[str, Any]) -> None:
    assert sorted(project["tool"]["setuptools"]["packages"]) == sorted(folders())


def test_every_package_has_an_init() -> None:
    """A folder without one is a namespace package: it imports here and is missing in the wheel."""
    assert [
        name for name, folder in folders().items() if not (folder / "__init__.py").exists()
    ] == []


def test_every_data_file_is_named_as_package_data(project: dict[str, Any]) -> None:
    data = project["tool"]["setuptools"]["package-data"]
    packages = folders()
    owners = {folder: name for name, folder in packages.items()}

    unnamed = []
    for folder in FOLDERS.values():
        for path in (ROOT / folder).rglob("*"):
            if path.is_dir() or path.suffix in {".py", ".pyc"}:
                continue
            owner = next(parent for parent in path.parents if parent in owners)
            name = path.relative_to(owner).as_posix()
            if not any(fnmatch(name, pattern) for pattern in data.get(owners[owner], ())):
                unnamed.append(str(path.relative_to(ROOT)))

    assert unnamed == []


def test_the_makefile_has_its_seven_targets() -> None:
    targets = re.findall(r"^([a-z]+):(?!=)", (ROOT / "Makefile").read_text(), re.MULTILINE)

    assert set(targets) - {"help"} == TARGETS


def test_the_changelog_tells_of_this_version(project: dict[str, Any]) -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")

    assert f"## [{project['project']['version']}]" in changelog


def test_uv_is_the_same_everywhere() -> None:
    """Makefile and Dockerfile fetch uv by the same bounds."""
    bounds = {
        re.search(r"'(uv[^']+)'", (ROOT / name).read_text())[1]  # type: ignore[index]
        for name in ("Makefile", "Dockerfile")
    }

    assert len(bounds) == 1
