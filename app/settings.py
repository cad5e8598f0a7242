"""One typed Settings. Built by `create_app()` and by each command, never on import."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parents[1]
ROLES = ("customer", "agent", "pharmacist", "admin", "evaluator")
ORIGIN = re.compile(r"https?://[A-Za-z0-9.-]+(:\d{1,5})?")


class Settings(BaseSettings):
    """Every field is an environment variable `PESTLE_<NAME>`; a `.env` file in the working folder is read too."""

    model_config = SettingsConfigDict(env_prefix="PESTLE_", env_file=".env", extra="ignore", frozen=True)

    home: Path = Field(
        Path(".pestle"), description="Folder for all state: databases, indexes, keys, the exported encoder."
    )
    knowledge: Path = Field(
        ROOT / "knowledge_base",
        description="Folder with articles/, intents/, labelled/, trained/, drugs.yaml and shorthand.yaml.",
    )
    policy: Path = Field(ROOT / "guardrails" / "policy.yaml", description="What the rails allow, and their wording.")

    api_host: str = Field("127.0.0.1", description="Address that the API and the web pages listen on.")
    api_port: int = Field(8000, ge=1, le=65535, description="Port of the API.")
    ui_port: int = Field(8501, ge=1, le=65535, description="Port of the web pages.")

    database_url: str = Field(
        "", description="SQLAlchemy URL for conversations and traces; empty: SQLite in PESTLE_HOME."
    )
    accounts_url: str = Field(
        "",
        description="SQLAlchemy URL of the account book, or http(s):// for the REST one; empty: SQLite in PESTLE_HOME.",
    )
    accounts_key: SecretStr | None = Field(None, description="Bearer key for a REST account book.")
    chroma_url: str = Field("", description="http(s)://host:port of a Chroma server; empty: Chroma in process.")
    encoder: Path | None = Field(
        None,
        description="Folder of an ONNX encoder (model.onnx, tokenizer.json); empty: all-MiniLM-L6-v2, exported at set-up.",
    )

    reader: Path | None = Field(
        None, description="Folder of the exported reader; empty: exported at set-up from knowledge_base/trained/reader."
    )

    serving: Path | None = Field(
        None, description="File that names the candidates in use; empty: serving.json in PESTLE_HOME."
    )

    model: str = Field(
        "",
        description="Chat model: a string for LangChain's init_chat_model, or a local transformers folder; empty: answers are extractive.",
    )
    model_base_url: str = Field("", description="Base URL of an OpenAI-compatible server.")
    model_api_key: SecretStr | None = Field(None, description="Key for the chat model.")
    model_timeout_s: float = Field(
        8.0, gt=0, le=120, description="Seconds that a chat model has for a whole answer, retries included."
    )
    model_retries: int = Field(2, ge=0, le=5, description="Further tries after a refused or broken call, with backoff.")
    model_max_tokens: int = Field(400, ge=16, le=4000, description="Longest answer of a chat model, in tokens.")

    judge: str = Field(
        "",
        description="Chat model that scores answers in evaluations, named as PESTLE_MODEL; empty: none. It decides nothing.",
    )
    judge_base_url: str = Field("", description="Base URL of an OpenAI-compatible server for the judge.")
    judge_api_key: SecretStr | None = Field(None, description="Key for the judge.")
    judge_timeout_s: float = Field(30.0, gt=0, le=300, description="Seconds that the judge has for one answer.")

    token_issuer: str = Field("pestle-demo", description="Issuer that tokens must name.")
    token_audience: str = Field("pestle", description="Audience that tokens must name.")
    token_hours: float = Field(12, gt=0, le=720, description="How long a demo token is valid.")
    jwks: str = Field("", description="https:// URL or file with the keys (JWKS) of an identity provider of yours.")
    jwks_issuer: str = Field("", description="Issuer that the provider's tokens must name; needed with PESTLE_JWKS.")
    jwks_roles: str = Field("customer", description="Roles that the provider may give, separated by commas.")
    jwks_role_claim: str = Field("role", description="Claim of the provider's tokens that holds the role.")
    jwks_id_claim: str = Field("sub", description="Claim of the provider's tokens that holds the customer's id.")
    rate_identity: int = Field(600, ge=0, description="Requests a minute of one signed-in person; 0: no limit.")
    rate_address: int = Field(1200, ge=0, description="Requests a minute from one address; 0: no limit.")
    cors_origins: str = Field("", description="Origins of web pages that may call the API, separated by commas.")
    retention_days: int = Field(
        365, ge=0, description="Days after its last message when a conversation is deleted; 0: never."
    )
    demo: bool = Field(True, description="Demo accounts and demo sign-in; turn off where real customers are served.")
    agent_away_s: float = Field(
        120, gt=0, le=86_400, description="Seconds without a sign of an agent, after which what they hold goes back."
    )
    explain: bool = Field(False, description="Customers may see why an answer was given.")
    today: dt.date | None = Field(None, description="A fixed date to answer from, for evaluation; empty: today.")
    max_message_chars: int = Field(
        4000, ge=100, le=20000, description="Longest message that is read; longer ones get a polite reply."
    )

    @model_validator(mode="after")
    def _access_makes_sense(self) -> Self:
        if self.jwks and (not self.jwks_issuer or self.jwks_issuer == self.token_issuer):
            raise ValueError("PESTLE_JWKS_ISSUER must name the provider's issuer, which is not PESTLE_TOKEN_ISSUER")
        if self.jwks.startswith("http://") and urlsplit(self.jwks).hostname not in ("127.0.0.1", "::1", "localhost"):
            raise ValueError("PESTLE_JWKS must be an https:// URL: whoever can change the keys can be anybody")
        if wrong := [role for role in self.provider_roles if role not in ROLES]:
            raise ValueError(f"PESTLE_JWKS_ROLES names {wrong[0]!r}; there are {', '.join(ROLES)}")
        if wrong := [origin for origin in self.origins if not ORIGIN.fullmatch(origin)]:
            raise ValueError(f"PESTLE_CORS_ORIGINS names {wrong[0]!r}; an origin is like https://www.example.com")
        return self

    @property
    def provider_roles(self) -> tuple[str, ...]:
        return _listed(self.jwks_roles)

    @property
    def origins(self) -> tuple[str, ...]:
        return _listed(self.cors_origins)

    @property
    def conversations_url(self) -> str:
        return self.database_url or f"sqlite:///{self.home.resolve() / 'pestle.db'}"

    @property
    def serving_file(self) -> Path:
        return self.serving or self.home / "serving.json"

    @property
    def accounts(self) -> str:
        return self.accounts_url or f"sqlite:///{self.home.resolve() / 'accounts.db'}"


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())
