"""The generated pages say what the code says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[1] / "docs" / "generate.py"


def test_the_reference_is_not_stale() -> None:
    """If this fails: .venv/bin/python docs/generate.py, and commit what it wrote."""
    answer = subprocess.run(
        [sys.executable, str(SCRIPT), "--check"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (answer.returncode, answer.stdout) == (0, ""), answer.stdout + answer.stderr
