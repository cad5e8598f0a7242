"""The chat model that the settings name: a hosted or served one through LangChain, or a local transformers folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Protocol

from langchain_core.language_models import BaseChatModel
from pydantic import SecretStr

from rag.compose.chat_model import ChatComposer

TRACING = ("LANGSMITH_TRACING", "LANGSMITH_TRACING_V2", "LANGCHAIN_TRACING", "LANGCHAIN_TRACING_V2")


class ModelSettings(Protocol):
    """The fields of the app's Settings that name a chat model."""

    @property
    def model(self) -> str: ...
    @property
    def model_base_url(self) -> str: ...
    @property
    def model_api_key(self) -> SecretStr | None: ...
    @property
    def model_timeout_s(self) -> float: ...
    @property
    def model_retries(self) -> int: ...
    @property
    def model_max_tokens(self) -> int: ...


class ModelConfigError(ValueError):
    """PESTLE_MODEL can't be used; the message is one sentence that says what to do."""


def load_chat_model(settings: ModelSettings) -> ChatComposer | None:
    """The composer for `settings.model`; None when it is empty. Loads weights, so call it once, at start.

    Raises ModelConfigError. Nothing is sent anywhere by loading, and LangSmith tracing is off from here on.
    """
    found = open_model(settings)
    if found is None:
        return None
    model, name = found
    return ChatComposer(model, name, settings.model_timeout_s, settings.model_retries, settings.model_max_tokens)


def open_model(settings: ModelSettings, variable: str = "PESTLE_MODEL") -> tuple[BaseChatModel, str] | None:
    """The model and its name, whatever it is for; `variable` is the setting that errors speak of. As above."""
    turn_tracing_off()
    if not settings.model:
        return None
    folder = Path(settings.model).expanduser()
    if folder.is_dir():
        return _local(folder, settings), folder.resolve().name
    if settings.model.startswith((".", "/", "~")):
        raise ModelConfigError(f"There is no folder {settings.model}; set {variable} to a folder with a model.")
    return _served(settings, variable), settings.model


def turn_tracing_off() -> None:
    """LangSmith would get every prompt, customers' data included. There is no setting that turns it on."""
    for name in TRACING:
        os.environ[name] = "false"


def _local(folder: Path, settings: ModelSettings) -> BaseChatModel:
    from rag.compose.local_model import load_local_model

    try:
        return load_local_model(folder, settings.model_timeout_s, settings.model_max_tokens)
    except (OSError, ValueError, KeyError) as error:
        raise ModelConfigError(
            f"{folder} holds no causal language model that transformers can load ({type(error).__name__}); "
            "it needs config.json, a tokenizer and *.safetensors."
        ) from None


def _served(settings: ModelSettings, variable: str) -> BaseChatModel:
    from langchain.chat_models import init_chat_model

    try:
        model = init_chat_model(settings.model, **_options(settings))
    except ImportError as error:
        raise ModelConfigError(
            f"{variable}={settings.model} needs a package that is not installed; install {_package(error)}."
        ) from None
    except Exception as error:  # each provider's client has its own; none may be quoted, some print the key
        raise ModelConfigError(_advice(settings, variable, error)) from None
    if not isinstance(model, BaseChatModel):
        raise ModelConfigError(f"{variable}={settings.model} names no chat model; write it as provider:model.")
    return model


def _options(settings: ModelSettings) -> dict[str, Any]:
    options: dict[str, Any] = {"timeout": settings.model_timeout_s, "max_retries": 0}
    if settings.model.startswith("ollama:"):
        options = {
            "client_kwargs": {"timeout": settings.model_timeout_s},
            "num_predict": settings.model_max_tokens,
        }
    else:
        options["max_tokens"] = settings.model_max_tokens
    if settings.model_base_url:
        options["base_url"] = settings.model_base_url
        if ":" not in settings.model:
            options["model_provider"] = "openai"
        # Without this a key from the environment (OPENAI_API_KEY) would go to whatever server the base URL names.
        options["api_key"] = SecretStr("none")
    if settings.model_api_key:
        options["api_key"] = settings.model_api_key
    return options


def _package(error: ImportError) -> str:
    name = getattr(error, "name", None)
    words = [word.strip("`'.,") for word in str(error).split()]
    package = name or next((word for word in words if word.startswith("langchain-")), "its LangChain package")
    return str(package).replace("_", "-")


def _advice(settings: ModelSettings, variable: str, error: Exception) -> str:
    if "api_key" in str(error).lower() or "api key" in str(error).lower():
        return f"{variable}={settings.model} needs a key; set {variable}_API_KEY."
    return (
        f"{variable}={settings.model} is not a model that LangChain knows; write it as provider:model, such as "
        f"openai:gpt-4o-mini, or set {variable}_BASE_URL for an OpenAI-compatible server."
    )
