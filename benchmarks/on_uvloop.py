"""``pointsman`` on uvloop, for the comparison; takes the same command line."""

from __future__ import annotations

import asyncio
from importlib import import_module

from pointsman.cli import main

if __name__ == "__main__":
    asyncio.set_event_loop_policy(import_module("uvloop").EventLoopPolicy())
    main()
