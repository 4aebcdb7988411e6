"""``pointsman deploy``: beside a tree that is published, one organization or several."""

from __future__ import annotations

from pathlib import Path

import pytest

from shells import Shell
from trees import MINIMAL, write

MANUAL = f"{MINIMAL['organization.yaml']}deploy: manual\n"
SOLAR = "name: Solar\nsources: [{key: shop}]\nsteps: []\n"
FILES = {
    "organization.yaml": MANUAL,
    "flows/solar.yaml": SOLAR,
    "flows/wind.yaml": SOLAR.replace("Solar", "Wind"),
}


@pytest.fixture
def shell(tmp_path: Path, redis_url: str) -> Shell:
    made = Shell(write(tmp_path / "config", FILES), redis_url)
    made.said("publish", str(made.root))
    return made


def test_all_that_waits_is_shown_and_deployed_at_once(shell: Shell) -> None:
    shown = shell.said("deploy", "--diff")
    assert [line for line in shown if line.startswith("+++")] == [
        "+++ saved/flows/solar.yaml",
        "+++ saved/flows/wind.yaml",
    ]
    done = ["solar: version 1 is live", "wind: version 1 is live", "acme: generation 2"]
    assert shell.said("deploy") == done
    assert shell.said("deploy") == ["nothing to deploy: what is live is that already"]
    assert shell.said("deploy", "--diff") == []
    assert shell.said("generations", "diff", "acme", "1", "2")[:2] == [
        "--- /dev/null",
        "+++ new/live/flows/solar.yaml",
    ]


def test_those_that_are_named_are_deployed_and_the_gone_taken_down(shell: Shell) -> None:
    shell.said("deploy", "wind")
    shell.save("flows/wind.yaml", None)
    assert shell.said("deploy", "solar", "wind") == [
        "solar: version 1 is live",
        "wind: taken down",
        "acme: generation 4",
    ]
    answer = shell("deploy", "solr")
    assert (answer.exit_code, answer.stdout) == (1, "")
    assert "no flow 'solr'; did you mean 'solar'?" in answer.stderr


def test_versions_are_listed_and_an_earlier_one_comes_back(shell: Shell) -> None:
    shell.said("deploy")
    shell.save("flows/solar.yaml", SOLAR.replace("Solar", "Sun"))
    shell.said("deploy", "solar")
    lines = shell.said("deploy", "solar", "--versions")
    assert [line.split()[0] for line in lines] == ["2", "1"]
    assert [line.endswith("(live)") for line in lines] == [True, False]
    assert "flows/solar.yaml" in lines[0]
    assert "+name: Solar" in shell.said("deploy", "solar", "--revert", "1", "--diff")
    done = ["solar: version 3 is live", "acme: generation 5"]
    assert shell.said("deploy", "solar", "--revert", "1") == done
    assert "+name: Sun" in shell.said("deploy", "--diff", "solar"), "what is saved stays"
    answer = shell("deploy", "solar", "--revert", "9")
    assert "flow 'solar' has no version 9; kept are: 3, 2, 1" in answer.stderr
    assert shell("deploy", "--revert", "1").exit_code == 2


def test_a_file_that_is_not_published_is_told_and_not_deployed(shell: Shell) -> None:
    """A script that saves and deploys at once publishes in between, or is told."""
    at = ("deploy", "--config-dir", str(shell.root))
    assert shell(*at).stderr == ""
    (shell.root / "acme/flows/solar.yaml").write_text(f"{SOLAR}nope: 1\n")
    answer = shell(*at)
    assert answer.stdout == "nothing to deploy: what is live is that already\n"
    assert "acme is not what is published (generation 2)" in answer.stderr


def test_what_cannot_be_deployed_is_said(shell: Shell) -> None:
    """A source that moves from one flow to another moves at once, or nothing is deployed."""
    text = SOLAR.replace("key: shop", "key: shop, intake: webhook")
    shell.save("flows/solar.yaml", text)
    shell.said("deploy")
    for name in ("solar", "wind"):
        (shell.root / f"acme/flows/{name}.yaml").write_text(
            text.replace("Solar", "Wind") if name == "wind" else SOLAR
        )
    shell.said("publish", str(shell.root))
    answer = shell("deploy", "wind")
    assert (answer.exit_code, "takes the leads of this source" in answer.stdout) == (1, True)
    assert len(shell.said("deploy", "wind", "solar")) == 3


def test_one_of_several_organizations_is_named(shell: Shell) -> None:
    write(shell.root, {}, "beta")
    shell.said("publish", str(shell.root))
    answer = shell("deploy")
    assert "which organization? name one with --organization (acme, beta)" in answer.stderr
    answer = shell("deploy", "--organization", "beta")
    assert (answer.exit_code, "what is saved of 'beta' is live" in answer.stderr) == (1, True)
    assert len(shell.said("deploy", "-o", "acme")) == 3
