from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from pointsman.cli import main
from pointsman.config.schema import KINDS, composed


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_is_printed_with_what_is_installed(kind: str) -> None:
    result = CliRunner().invoke(main, ["schema", kind])

    assert result.exit_code == 0
    assert json.loads(result.stdout) == composed(kind)


def test_without_a_kind_all_are_printed() -> None:
    result = CliRunner().invoke(main, ["schema"])

    assert set(json.loads(result.stdout)) == set(KINDS)


def test_an_unknown_kind_is_wrong_usage_with_the_nearest_name() -> None:
    result = CliRunner().invoke(main, ["schema", "pools"])

    assert result.exit_code == 2
    assert "no kind 'pools'; did you mean 'pool'?" in " ".join(result.stderr.split())
