from __future__ import annotations

import os
from pathlib import Path

import pytest

from pointsman.config.tree import FOLDERS, read_tree
from trees import MINIMAL, findings, write


def told(root: Path) -> list[str]:
    return [f"{Path(p.file).relative_to(root)}: {p.message}" for p in read_tree(root).problems]


def test_files_come_with_their_paths_inside_the_organization(tmp_path: Path) -> None:
    write(tmp_path, {"fields.yml": "fields: []", "pools/b.yml": "name: B"})

    tree = read_tree(tmp_path)

    assert tree.problems == ()
    names = {*MINIMAL, "fields.yml", "pools/b.yml"}
    assert tree.organizations["acme"].keys() == names
    assert tree.organizations["acme"]["pools/b.yml"] == b"name: B"


def test_hidden_names_and_backups_are_ignored(tmp_path: Path) -> None:
    write(tmp_path, {".git/x": "", "pools/.inbound.yaml.swp": "", "pools/inbound.yaml~": ""})
    (tmp_path / ".DS_Store").touch()

    assert read_tree(tmp_path).problems == ()
    assert read_tree(tmp_path).organizations["acme"].keys() == MINIMAL.keys()


@pytest.mark.parametrize(
    ("stray", "message"),
    [
        ("pool/a.yaml", "a stray directory; did you mean {root}/acme/pools?"),
        ("secrets/a", f"a stray directory; expected one of {', '.join(FOLDERS)}"),
        ("organisation.yaml", "a stray file; did you mean {root}/acme/organization.yaml?"),
        ("north.yaml", "a stray file; expected a place such as {root}/acme/pools/north.yaml"),
        ("pools/a.json", "a stray file; expected a file such as {root}/acme/pools/a.yaml"),
        (
            "pools/deep/a.yaml",
            "a stray directory; expected a file such as {root}/acme/pools/deep.yaml",
        ),
        ("pools/inbound.yml", "'inbound' is here as .yaml and as .yml; remove one"),
        ("organization.yml", "'organization' is here as .yaml and as .yml; remove one"),
    ],
)
def test_a_stray_name_is_a_finding_with_the_nearest_place(
    tmp_path: Path, stray: str, message: str
) -> None:
    write(tmp_path, {stray: "x"})
    place = stray.rpartition("/")[0] if "directory" in message else stray

    assert told(tmp_path) == [f"acme/{place}: {message.format(root=tmp_path)}"]


def test_files_beside_organizations_and_wrong_names_are_findings(tmp_path: Path) -> None:
    write(tmp_path, {})
    (tmp_path / "pools.yaml").touch()
    (tmp_path / "Acme Inc").mkdir()
    expected = tmp_path / "acme" / "pools.yaml"

    assert told(tmp_path) == [
        "Acme Inc: no name for an organization; expected [a-z0-9][a-z0-9._-]{0,62}",
        f"pools.yaml: a stray file; expected it in an organization, such as {expected}",
    ]


def test_a_name_that_cannot_be_shown_is_a_finding(tmp_path: Path) -> None:
    write(tmp_path, {})
    (Path(os.fsdecode(os.fsencode(tmp_path) + b"/acme/pools/caf\xe9.yaml"))).touch()
    (tmp_path / "acme" / "pools" / "a\nb.yaml").touch()

    assert [problem.message for problem in read_tree(tmp_path).problems] == [
        "the name 'a\\nb.yaml' cannot be shown; rename it",
        "the name 'caf\\udce9.yaml' cannot be shown; rename it",
    ]


def test_no_directory_and_an_empty_one_are_findings(tmp_path: Path) -> None:
    expected = "no organization here; expected a directory with organization.yaml"
    assert [p.message for p in read_tree(tmp_path).problems] == [expected]

    missing = read_tree(tmp_path / "nowhere").problems
    assert [p.message for p in missing] == ["cannot be read: No such file or directory"]


def test_a_directory_without_its_root_file_is_a_finding(tmp_path: Path) -> None:
    write(tmp_path, {"organization.yaml": None})

    assert findings(tmp_path) == [
        "acme:1:1: no organization.yaml here; each organization's directory needs one"
    ]


@pytest.mark.parametrize("target", ["/etc/passwd", "../../../outside.yaml"])
def test_a_link_out_of_the_tree_is_a_finding(tmp_path: Path, target: str) -> None:
    root = write(tmp_path / "config", {})
    (tmp_path / "outside.yaml").write_text("name: Outside")
    (root / "acme" / "pools" / "out.yaml").symlink_to(target)

    assert told(root) == [
        "acme/pools/out.yaml: the link leaves the configuration directory; copy the file"
    ]
    assert "pools/out.yaml" not in read_tree(root).organizations["acme"]


def test_links_in_circles_and_into_nothing_are_findings(tmp_path: Path) -> None:
    write(tmp_path, {})
    pools = tmp_path / "acme" / "pools"
    (pools / "a.yaml").symlink_to("b.yaml")
    (pools / "b.yaml").symlink_to("a.yaml")
    (pools / "c.yaml").symlink_to("gone.yaml")
    (pools / "loop").symlink_to(".")

    assert len(read_tree(tmp_path).problems) == 4


def test_a_pipe_is_a_finding_and_nobody_waits_for_it(tmp_path: Path) -> None:
    write(tmp_path, {})
    os.mkfifo(tmp_path / "acme" / "pools" / "pipe.yaml")

    assert len(read_tree(tmp_path).problems) == 1


def test_a_config_map_mounted_over_the_whole_tree_is_read(tmp_path: Path) -> None:
    """L11: Kubernetes mounts ``..data`` beside links into it."""
    write(tmp_path / "..2026_11_21", {})
    (tmp_path / "..data").symlink_to("..2026_11_21")
    (tmp_path / "acme").symlink_to("..data/acme")

    assert read_tree(tmp_path).problems == ()
    assert read_tree(tmp_path).organizations["acme"].keys() == MINIMAL.keys()


def test_a_config_map_mounted_flat_in_each_folder_is_read(tmp_path: Path) -> None:
    """L11: the same, a volume a folder, every file a link of its own."""
    for folder in ("", "pools/"):
        place = tmp_path / "acme" / folder
        (place / "..2026").mkdir(parents=True)
        (place / "..data").symlink_to("..2026")
        for name, text in MINIMAL.items():
            if name.rpartition("/")[0] == folder.rstrip("/"):
                stem = name.rpartition("/")[2]
                (place / "..2026" / stem).write_text(text)
                (place / stem).symlink_to(f"..data/{stem}")

    assert read_tree(tmp_path).problems == ()
    assert read_tree(tmp_path).organizations["acme"].keys() == MINIMAL.keys()
    assert findings(tmp_path) == []
