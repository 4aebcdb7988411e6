"""One step that a plugin does: its options filled in, its outcome judged.

Nothing here raises: whatever a plugin does that it should not is an error of the step, and the lead
goes on. What a plugin says in words is kept without secrets and without what is masked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from datetime import UTC, datetime
from math import inf
from time import monotonic
from typing import Any, cast, get_args, get_type_hints

from pydantic import ValidationError

from pointsman import guard, observe
from pointsman.delivery import Outgoing
from pointsman.dispatch import Redactor, kept_output
from pointsman.errors import ActionError, TransientError
from pointsman.flow import PluginStep
from pointsman.flows.story import delivery_of
from pointsman.flows.submission import StepResult, Submission
from pointsman.model import Organization
from pointsman.options import wrong_options
from pointsman.plugin import StepContext, StepOutcome, steps
from pointsman.rules.variables import plain

__all__ = ["perform"]

_OUTCOMES = get_args(get_type_hints(StepOutcome)["outcome"])
_LONGEST_REASON = 1_000


async def perform(
    outgoing: Outgoing,
    organization: Organization,
    submission: Submission,
    step: PluginStep,
    scope: Mapping[str, Any],
    *,
    limit: float,
) -> StepResult:
    """Do a step, in at most ``limit`` seconds."""
    kind = steps.recall(step.type)
    if kind is None:
        return StepResult(step, "error", steps.explain_missing(step.type))
    plugin, context = f"step:{step.type}", _context(outgoing, organization, submission, step, scope)
    seen = {
        **scope,
        "purchase_price": submission.price,
        "event_id": context.delivery_id,
        "credentials": organization.credentials,
    }
    started, outcome, told = monotonic(), StepOutcome(), dict[str, Any]()
    try:
        options = guard.call(plugin, kind.options.model_validate, step.options(seen))
        work = cast("Coroutine[Any, Any, Any]", kind.run(options, context))
        outcome = _judged(plugin, await guard.limited(work, plugin, limit))
    except ValidationError as error:
        outcome = StepOutcome("skip", wrong_options(error))
    except TimeoutError:
        told["ambiguous"] = True
        outcome = StepOutcome("error", f"{step.type} took longer than {limit:.3g} s")
    except (ActionError, TransientError) as error:
        told["ambiguous"] = isinstance(error, TransientError)
        outcome = StepOutcome("error", guard.said(error))
    except asyncio.CancelledError:
        raise
    except BaseException as error:  # noqa: BLE001 - the border of one lead
        outcome = _bug(plugin, step, context, error)
    if outcome.outcome != "skip":
        told["ms"] = int((monotonic() - started) * 1000)
    redactor = Redactor([*organization.secrets(), *submission.hidden()])
    reason = redactor.text(outcome.reason)[:_LONGEST_REASON] if outcome.reason else None
    told |= redactor.retold(outcome.appended)
    return StepResult(step, outcome.outcome, reason, outcome.price, outcome.appended, told)


def _context(
    outgoing: Outgoing,
    organization: Organization,
    submission: Submission,
    step: PluginStep,
    scope: Mapping[str, Any],
) -> StepContext:
    variables = plain(dict(scope))
    return StepContext(
        organization=organization.handle,
        lead_id=submission.lead_id,
        lead=variables["lead"],
        variables=variables,
        delivery_id=delivery_of(submission, step),
        now=datetime.fromtimestamp(submission.at / 1000, UTC),
        http=outgoing,
        credentials=organization.credentials,
    )


def _judged(plugin: str, result: Any) -> StepOutcome:
    """Return a result as one that can be kept; raise ``TypeError`` for what is none."""
    if result is None or isinstance(result, Mapping):
        result = StepOutcome(appended=result or {})
    if not isinstance(result, StepOutcome) or not isinstance(result.appended, Mapping):
        raise TypeError(f"it returned a {type(result).__name__}; expected StepOutcome or a mapping")
    if result.outcome not in _OUTCOMES:
        raise TypeError(f"its outcome is none of {', '.join(_OUTCOMES)}")
    if not isinstance(result.reason, str | None):
        raise TypeError("its reason is no text")
    price = result.price
    if price is not None and (type(price) not in (int, float) or not abs(price) < inf):
        raise TypeError("its price is no number")
    appended = guard.call(plugin, kept_output, dict(result.appended))
    return StepOutcome(result.outcome, result.reason, price, appended)


def _bug(plugin: str, step: PluginStep, context: StepContext, error: BaseException) -> StepOutcome:
    observe.child(observe.PLUGIN_FAILURES, plugin).inc()
    observe.log(lead_id=context.lead_id, step=step.id).error(
        observe.STEP_FAILED, action=step.type, exception=guard.traced(error)
    )
    return StepOutcome(
        "error", f"{step.type} has a bug: {type(error).__name__}: {guard.said(error)}"
    )
