"""Chat completions as they were scripted, and embeddings that depend on the text alone."""

from __future__ import annotations

import hashlib
import json
import random
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "sk-loopback-9f8a7b6c5d"
"""The one key that is let in."""
DIMENSIONS = 64


@dataclass(frozen=True)
class Broken:
    """An answer that is an error of the server's."""

    status: int = 500


def facts(*texts: str, **attributed: str) -> str:
    """What Mem0 asks a model for: these facts, and by whom they were said where that is told."""
    said = [{"text": text, "attributed_to": "user"} for text in texts]
    said += [{"text": text, "attributed_to": speaker} for speaker, text in attributed.items()]
    return json.dumps({"memory": said})


class OpenAIServer:
    """Answers in the order of its script; after its end, that there is nothing to remember.

    Attributes:
        script: answers of the model that are still to be given, texts or `Broken`.
        prompts: what the model was asked, the last message of each request.
        open: cleared, it holds answers back.
        asked: set as soon as the model is asked.
        embeds: whether embeddings work.
    """

    def __init__(self, *script: str | Broken) -> None:
        self.script: deque[str | Broken] = deque(script)
        self.prompts: list[str] = []
        self.open = threading.Event()
        self.open.set()
        self.asked = threading.Event()
        self.embeds = True
        self.base_url = ""

    @contextmanager
    def running(self) -> Iterator[OpenAIServer]:
        """Listen until the block ends."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        server.answers = self  # type: ignore[attr-defined]  # the handler's way back
        self.base_url = f"http://127.0.0.1:{server.server_address[1]}/v1"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield self
        finally:
            self.open.set()
            server.shutdown()
            thread.join()
            server.server_close()

    def complete(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Answer ``/chat/completions``."""
        self.asked.set()
        self.open.wait(30)
        self.prompts.append(body["messages"][-1]["content"])
        answer = self.script.popleft() if self.script else facts()
        if isinstance(answer, Broken):
            return answer.status, {"error": {"message": f"broken on purpose, asked {self.prompts[-1]}"}}
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": answer}}
        return 200, {"id": "1", "object": "chat.completion", "created": 1, "model": "scripted", "choices": [choice]}

    def embed(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Answer ``/embeddings``."""
        if not self.embeds:
            return 500, {"error": {"message": "no embeddings today"}}
        texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
        data = [{"object": "embedding", "index": n, "embedding": vector(text)} for n, text in enumerate(texts)]
        return 200, {
            "object": "list",
            "model": "scripted",
            "data": data,
            "usage": {"prompt_tokens": 1, "total_tokens": 1},
        }


def vector(text: str) -> list[float]:
    """Any vector, but for one text always the same."""
    source = random.Random(hashlib.sha256(text.encode()).digest())
    return [source.gauss(0, 1) for _ in range(DIMENSIONS)]


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:  # noqa: N802  # the name that http.server looks for
        answers: OpenAIServer = self.server.answers  # type: ignore[attr-defined]  # set where it is made
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.headers["Authorization"] != f"Bearer {KEY}":
            status, answer = 401, {"error": {"message": "wrong key"}}
        elif self.path.endswith("/chat/completions"):
            status, answer = answers.complete(body)
        else:
            status, answer = answers.embed(body)
        payload = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload)))
        self.send_header("x-should-retry", "false")
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, *arguments: Any) -> None:
        """Tests look at `OpenAIServer.prompts`."""
