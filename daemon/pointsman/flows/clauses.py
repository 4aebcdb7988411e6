"""What a flow and its sources write about leads (rules, criteria, prices, mappings), compiled.

The same words stand on a flow and on each of its sources, so both are read here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pointsman.flow import (
    Criteria,
    FieldMapping,
    Integration,
    Price,
    Pricing,
    RuleSet,
    Template,
)
from pointsman.rules.rulesets import compile_rules
from pointsman.rules.templates import compile_flow_template

__all__ = ["Clauses", "Path", "Report"]

Path = tuple[str | int, ...]
Report = Callable[[Path, str], None]


@dataclass(frozen=True, slots=True)
class Clauses:
    """Compiles parts of one flow's file; ``types`` is field type by field id.

    ``time_zone`` is that of windows which name none.
    """

    types: Mapping[str, str]
    report: Report
    time_zone: str = "UTC"

    def rules(self, document: Mapping[str, Any], path: Path) -> RuleSet:
        """Return the rule set that is written at ``path``."""
        return compile_rules(document, self.report, path, types=self.types)

    def some_rules(self, holder: Mapping[str, Any], path: Path) -> RuleSet | None:
        """Return the ``rule_set`` of a part; ``None`` where it has none, which holds always."""
        found = holder.get("rule_set")
        return self.rules(found, (*path, "rule_set")) if found else None

    def template(self, text: str | None, path: Path) -> Template | None:
        """Return a text with placeholders."""
        return None if text is None else self.text(text, path)

    def text(self, text: str, path: Path) -> Template:
        """Return the template that is written at ``path``."""
        return compile_flow_template(text, self.report, path)

    def criteria(self, holder: Mapping[str, Any], path: Path) -> Criteria | None:
        """Return the ``acceptance_criteria`` of a flow or source."""
        document = holder.get("acceptance_criteria")
        if document is None:
            return None
        here = (*path, "acceptance_criteria")
        return Criteria(
            rules=self.rules(document["rule_set"], (*here, "rule_set")),
            outcome=document.get("outcome", "failure"),
            reason=self.template(document.get("reason"), (*here, "reason")),
        )

    def pricing(self, holder: Mapping[str, Any], path: Path) -> Pricing | None:
        """Return the ``pricing`` of a flow or source."""
        document = holder.get("pricing")
        if document is None:
            return None
        here = (*path, "pricing")
        override = document.get("override", False)
        if override and document.get("prices"):
            said = "'override' takes the price that comes with the lead; remove the prices, or it"
            self.report((*here, "override"), said)
        prices = (
            Price(price["amount"], self.some_rules(price, (*here, "prices", place)))
            for place, price in enumerate(document.get("prices", ()))
        )
        return Pricing(tuple(prices), override)

    def mappings(
        self, documents: Sequence[Mapping[str, Any]], path: Path
    ) -> tuple[FieldMapping, ...]:
        """Return where parameters come from, in order."""
        return tuple(
            self.mapping(document, (*path, "mappings", place))
            for place, document in enumerate(documents)
        )

    def integration(self, holder: Mapping[str, Any], path: Path) -> Integration:
        """Return how somebody is asked."""
        document = holder["integration"]
        mappings = self.mappings(document.get("mappings", ()), (*path, "integration"))
        return Integration(document["module_id"], mappings)

    def mapping(self, document: Mapping[str, Any], path: Path) -> FieldMapping:
        """Return where one value comes from."""
        value, parts = document["value"], tuple(document["property"].split("."))
        rules = self.some_rules(document, path)
        if isinstance(value, str) and "{{" in value:
            return FieldMapping(parts, self.template(value, (*path, "value")), rules=rules)
        return FieldMapping(parts, None, value, rules)
