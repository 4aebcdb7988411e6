"""Field types: how a posted value becomes a typed one. One file a type.

Every module here is imported, so a type is known by being written; nothing lists them.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module

for _module in pkgutil.iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")
