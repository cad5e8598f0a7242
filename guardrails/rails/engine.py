"""The engine of the rails: guardrails-ai, run in the caller's thread, telling nobody and keeping nothing.

Four habits of guardrails-ai 0.11 are turned off here:
- it sends telemetry, and every new Guard reloads its settings (`Guard.configure`) and turns that on again;
- it runs validators in an event loop that leaks a thread a call;
- it keeps the last texts that it saw in `Guard.history`, which would be personal data;
- where nltk is installed, it fetches a data file of nltk from the network when it is imported.
"""

from __future__ import annotations

import os
import sys
from typing import Any

os.environ["GUARDRAILS_RUN_SYNC"] = "true"  # before the library is imported
_nltk = sys.modules.get("nltk")
sys.modules["nltk"] = None  # type: ignore[assignment]  # unless it is hidden, the library calls out for its data

from guardrails.classes.history import Iteration  # type: ignore[import-untyped, unused-ignore]
from guardrails.classes.rc import RC  # type: ignore[import-untyped, unused-ignore]
from guardrails.classes.validation.validation_summary import ValidationSummary  # type: ignore[import-untyped, unused-ignore]
from guardrails.classes.validation_outcome import ValidationOutcome  # type: ignore[import-untyped, unused-ignore]
from guardrails.guard import Guard  # type: ignore[import-untyped, unused-ignore]
from guardrails.settings import settings  # type: ignore[import-untyped, unused-ignore]
from guardrails.types.on_fail import OnFailAction  # type: ignore[import-untyped, unused-ignore]
from guardrails.validator_base import Validator, register_validator  # type: ignore[import-untyped, unused-ignore]
from guardrails.validator_service import SequentialValidatorService  # type: ignore[import-untyped, unused-ignore]
from guardrails_ai.types import FailResult, PassResult, ValidationResult  # type: ignore[import-untyped, unused-ignore]

if _nltk is None:
    del sys.modules["nltk"]
else:
    sys.modules["nltk"] = _nltk

__all__ = ["FailResult", "OnFailAction", "PassResult", "SentenceGuard", "ValidationResult", "Validator", "guard_of",
           "register_validator"]  # fmt: skip

settings.rc.enable_metrics = False
settings.disable_tracing = True


class SentenceGuard(Guard):  # type: ignore[misc, unused-ignore]
    """A Guard for one sentence at a time: the library's validators and their service, and nothing else of a call.

    A plain Guard spends more than half a millisecond a call on rendering a prompt and a schema that a sentence doesn't
    have, and on its history.
    """

    def _load_rc(self) -> None:
        settings.rc = RC(enable_metrics=False)

    def _execute(
        self, *args: Any, llm_output: str | None = None, metadata: dict[str, Any] | None = None, **kwargs: Any
    ) -> ValidationOutcome[str]:
        iteration = Iteration(callId="sentence", index=0)
        service = SequentialValidatorService(disable_tracer=True)
        value, _ = service.validate(llm_output, metadata or {}, self._validator_map, iteration, "$", "$")
        logs = iteration.outputs.validator_logs
        failed = [log for log in logs if isinstance(log.validation_result, FailResult)]
        return ValidationOutcome[str](
            callId="sentence",
            rawLlmOutput=llm_output,
            validatedOutput=value,
            validationPassed=len(logs) == len(self._validators) and not failed,
            validationSummaries=ValidationSummary.from_validator_logs(failed),
        )


def guard_of(*validators: Validator) -> SentenceGuard:
    """One Guard that runs all of these on each text. Build it once."""
    guard: SentenceGuard = SentenceGuard().use(*validators)
    return guard
