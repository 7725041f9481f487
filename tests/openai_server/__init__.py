"""A server on loopback that speaks as much of OpenAI's API as Mem0 asks for, from a script."""

from openai_server.server import KEY, Broken, OpenAIServer, facts

__all__ = ["KEY", "Broken", "OpenAIServer", "facts"]
