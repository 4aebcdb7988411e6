"""``python -m pointsman``: the same as the command ``pointsman``."""

from __future__ import annotations

from pointsman.cli import main

if __name__ == "__main__":
    main(prog_name="pointsman")
