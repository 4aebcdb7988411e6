"""Templates of flows: text with ``{{lead.first_name}}`` and helpers, compiled once to closures."""

from __future__ import annotations

from pointsman.rules.templates.compile import FlowTemplate, compile_flow_template
from pointsman.rules.templates.helpers import helpers

__all__ = ["FlowTemplate", "compile_flow_template", "helpers"]
