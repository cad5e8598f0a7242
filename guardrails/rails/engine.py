"""The engine of the rails: guardrails-ai, run in this thread, telling nobody and keeping nothing.

Three habits of guardrails-ai 0.11 are turned off here, before any Guard exists:
- it sends telemetry, and each new Guard reloads its settings and turns that on again (`Guard.configure`);
- it runs validators in an event loop that leaks a thread a call;
- it keeps the last texts it saw in `Guard.history`, which would be personal data.
"""

from __future__ import annotations

import os

os.environ["GUARDRAILS_RUN_SYNC"] = "true"  # read by the library; must be there before it is imported

from typing import Any

import guardrails
from guardrails import Guard, OnFailAction, settings
from guardrails.classes.history import Iteration
from guardrails.classes.history.inputs import Inputs
from guardrails.classes.history.outputs import Outputs
from guardrails.classes.rc import RC
from guardrails.classes.validation_outcome import ValidationOutcome
from guardrails.validator_base import Validator
from guardrails.validator_service import SequentialValidatorService
from guardrails_ai.types import FailResult

settings.rc.enable_metrics = False
settings.disable_tracing = True

__all__ = ["SentenceGuard", "failures", "guard_of", "guardrails"]


class SentenceGuard(Guard):  # type: ignore[type-arg]
    """A Guard for one sentence at a time: the library's own validator service, without prompts, schemas and history.

    A plain Guard spends 0.5 ms a call on rendering a prompt and a schema that a sentence doesn't have.
    """

    def _load_rc(self) -> None:
        settings.rc = RC(enable_metrics=False)

    def _execute(
        self, *args: Any, llm_output: str | None = None, metadata: dict[str, Any] | None = None, **kwargs: Any
    ) -> ValidationOutcome[str]:
        iteration = Iteration(callId="", index=0, inputs=Inputs(), outputs=Outputs())
        service = SequentialValidatorService(True)
        value, _ = service.validate(llm_output, metadata or {}, self._validator_map, iteration, "$", "$")
        logs = iteration.outputs.validator_logs
        failed = [log for log in logs if isinstance(log.validation_result, FailResult)]
        outcome = ValidationOutcome[str](
            callId="", rawLlmOutput=llm_output, validatedOutput=value, validationPassed=not failed and bool(logs)
        )
        outcome.validation_summaries = [_summary(log) for log in failed]
        return outcome


def guard_of(*validators: Validator) -> SentenceGuard:
    """One Guard that runs all the validators on each text."""
    guard = SentenceGuard().use(*validators)
    guard._fill_validator_map()
    return guard
