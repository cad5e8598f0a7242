"""A real API server that is killed and started again at once; its assistant follows a script, the rest is the product.

`python -m eval.lives PORT` loads the API's code once. For each line that it is sent it forks a uvicorn, which makes the
app from nothing as ever; it answers with the process id, and with another line when that process is gone.
"""

from __future__ import annotations

import importlib
import os
import runpy
import signal
import socket
import subprocess
import sys
import uuid
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from app.settings import ROOT, Settings
from rag.compose.draft import Evidence
from rag.turn import Answer, Citation, Emit, Event, Focus, Intent, Message, Reply, Sentence, silent

LOADED_BEFORE = ("uvicorn", "uvicorn.protocols.http.auto", "uvicorn.lifespan.on", "app.api.main", "alembic.command")


class Scripted:
    """An assistant that repeats the question, from one article; it loads nothing and takes no time."""

    def __init__(self, article_id: str) -> None:
        self._source = Citation(n=1, article_id=article_id, title=article_id, url="")
        self._evidence = Evidence(f"{article_id}#1", article_id, article_id, "", "Most orders leave within a day.")

    def answer(self, message: Message, emit: Emit = silent) -> Answer:
        said = (
            Sentence(text="Most orders leave within a day.", citations=(1,)),
            Sentence(text=f"You asked {message.text}"),
        )
        for sentence in said:
            emit(Event("sentence", sentence.model_dump()))
        reply = Reply(
            message_id=uuid.uuid4().hex,
            trace_id=uuid.uuid4().hex,
            text=" ".join(sentence.text for sentence in said),
            citations=(self._source,),
            intents=(Intent(name="delivery", score=0.9),),
            outcome="answered",
            sentences=said,
        )
        versions = {"policy": "p1", "knowledge": "k1"}
        trace = {"outcome": "answered", "versions": versions}
        return Answer(reply, Focus(question=message.text), trace, evidence=(self._evidence,))


def scripted_app() -> Any:
    """For `uvicorn --factory eval.lives:scripted_app`."""
    from app.api.main import create_app

    settings = Settings()
    articles = sorted((settings.knowledge / "articles").rglob("*.md"))
    return create_app(settings, Scripted(articles[0].stem if articles else "no-article"))


def environment(home: Path, **settings: str) -> dict[str, str]:
    """This machine's, with no settings but these: nothing of the user's own installation is reached."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PESTLE_")}
    paths = os.pathsep.join((str(ROOT), str(ROOT / "guardrails")))
    unlimited = {"PESTLE_RATE_IDENTITY": "0", "PESTLE_RATE_ADDRESS": "0", "PESTLE_MODEL": ""}
    return {**kept, "PYTHONPATH": paths, "PESTLE_HOME": str(home), **unlimited, **settings}


def free_port() -> int:
    """One on which nobody listens just now, on loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Lives:
    """One server at a time on `port`. To be used in a `with`, at whose end nothing runs any more."""

    def __init__(self, home: Path, port: int, **settings: str) -> None:
        """`settings`: environment variables of the server. It keeps all that it writes in `home`."""
        self._loader = subprocess.Popen(
            [sys.executable, "-m", "eval.lives", str(port)],
            env=environment(home, OPENBLAS_NUM_THREADS="1", **settings),
            cwd=home,  # where no .env of the user's lies
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._loader.stdin is not None
        assert self._loader.stdout is not None
        self._to, self._from = self._loader.stdin, self._loader.stdout
        self.pid = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._to.close()  # it ends its server, and itself
        self._loader.wait(20)
        self._from.close()

    def start(self) -> None:
        """Begins another life; it is ready when it answers."""
        self.pid = int(self._told("start"))

    def kill(self) -> None:
        """SIGKILL; returns when the process is gone."""
        os.kill(self.pid, signal.SIGKILL)
        self._told("gone?")
        self.pid = 0

    def _told(self, line: str) -> str:
        self._to.write(f"{line}\n")
        self._to.flush()
        if not (answer := self._from.readline()):
            raise RuntimeError("the process that starts the servers has ended; its last lines above say why")
        return answer.strip()


def _load_and_fork(port: str) -> None:
    for name in LOADED_BEFORE:
        importlib.import_module(name)
    pid = 0
    for line in sys.stdin:
        if line.strip() == "start":
            pid = os.fork()
            if not pid:
                _serve(port)
            print(pid, flush=True)
        else:
            os.waitpid(pid, 0)
            pid = 0
            print("gone", flush=True)
    if pid:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _serve(port: str) -> None:
    """What `python -m uvicorn` does; never returns."""
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    quiet = ("--no-access-log", "--log-level", "warning")
    sys.argv = ["uvicorn", "--factory", "eval.lives:scripted_app", "--port", port, *quiet]
    try:
        runpy.run_module("uvicorn", run_name="__main__")
    finally:
        os._exit(1)


if __name__ == "__main__":
    _load_and_fork(sys.argv[1])
