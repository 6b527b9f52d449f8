"""An agent made with the official Python client, driven by lines of JSON: one answer for each request."""

import asyncio
import contextlib
import json
import sys
from typing import Any

from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client


def say(value: dict[str, Any]) -> None:
    """Writes one line."""
    print(json.dumps(value), flush=True)


def plain(value: Any) -> Any:
    """A result as it was on the wire."""
    return value.model_dump(mode="json", by_alias=True, exclude_none=True)


class Conversation:
    """One agent with at most one connection."""

    def __init__(self) -> None:
        self.stack = contextlib.AsyncExitStack()
        self.client: Client

    async def connect(self, request: dict[str, Any]) -> Any:
        """Connects to `url` with the bearer `key`, or to a `command`, in the era `legacy`, or exactly a modern revision."""
        if "command" in request:
            command, *arguments = request["command"]
            pipes = stdio_client(StdioServerParameters(command=command, args=arguments))
            self.client = await self.stack.enter_async_context(Client(pipes, mode=request["era"]))
            return {"version": self.client.protocol_version}
        headers = {"authorization": f"Bearer {request['key']}"}
        http = await self.stack.enter_async_context(create_mcp_http_client(headers=headers))
        transport = streamable_http_client(request["url"], http_client=http)
        self.client = await self.stack.enter_async_context(Client(transport, mode=request["era"]))
        return {"version": self.client.protocol_version}

    async def tools(self, _request: dict[str, Any]) -> Any:
        return [plain(tool) for tool in (await self.client.list_tools()).tools]

    async def call(self, request: dict[str, Any]) -> Any:
        seconds = request["timeout"] / 1000 if "timeout" in request else None
        given = request.get("arguments", {})
        return plain(await self.client.call_tool(request["name"], given, read_timeout_seconds=seconds))

    async def resources(self, _request: dict[str, Any]) -> Any:
        return [plain(resource) for resource in (await self.client.list_resources()).resources]

    async def read(self, request: dict[str, Any]) -> Any:
        return plain(await self.client.read_resource(request["uri"]))

    async def prompts(self, _request: dict[str, Any]) -> Any:
        return [plain(prompt) for prompt in (await self.client.list_prompts()).prompts]

    async def run(self, request: dict[str, Any]) -> Any:
        """Runs a command as a child of this agent."""
        pipe = asyncio.subprocess.PIPE
        child = await asyncio.create_subprocess_exec(*request["command"], stdout=pipe, stderr=pipe)
        out, err = await child.communicate()
        return {"code": child.returncode, "out": out.decode(), "err": err.decode()}

    async def close(self, _request: dict[str, Any]) -> Any:
        await self.stack.aclose()


OPERATIONS = ("connect", "tools", "call", "resources", "read", "prompts", "run", "close")


async def main() -> None:
    conversation = Conversation()
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        request = json.loads(line)
        try:
            if request["op"] not in OPERATIONS:
                raise ValueError(f"unknown operation {request['op']}")
            value = await getattr(conversation, request["op"])(request)
            say({"id": request["id"], "ok": True, "value": value})
        except Exception as error:  # the other side decides what a failure means
            code = getattr(getattr(error, "error", None), "code", None)
            say({"id": request["id"], "ok": False, "code": code, "message": str(error), "data": None})


asyncio.run(main())
