"""An agent that signs in by itself (OAuth), made with the official Python client of either major, driven by lines of JSON."""

import asyncio
import json
import sys
from typing import Any
from urllib.parse import parse_qs, urlsplit

from mcp import ClientSession
from mcp.client.auth import OAuthClientProvider, TokenStorage
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata, OAuthToken

try:  # the second major
    from mcp.client.streamable_http import streamable_http_client
    from mcp.shared._httpx_utils import create_mcp_http_client
    from mcp.shared.auth import AuthorizationCodeResult
except ImportError:  # the first
    AuthorizationCodeResult = None
    from mcp.client.streamable_http import streamablehttp_client


def say(value: dict[str, Any]) -> None:
    """Writes one line."""
    print(json.dumps(value), flush=True)


class Keeper(TokenStorage):
    """What the client keeps between requests."""

    def __init__(self) -> None:
        self.tokens: OAuthToken | None = None
        self.client: OAuthClientInformationFull | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info


class Conversation:
    """One agent; its connection lives in a task of its own."""

    def __init__(self) -> None:
        self.page: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.callback: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.ready: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.session: ClientSession
        self.keeper = Keeper()

    async def listen(self) -> str:
        """Where the browser comes back to."""

        async def arrived(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            line = (await reader.readline()).decode()
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 24\r\nconnection: close\r\n\r\nYou can close this page.")
            await writer.drain()
            writer.close()
            if not self.callback.done():
                self.callback.set_result(line.split(" ")[1])

        server = await asyncio.start_server(arrived, "127.0.0.1", 0)
        return f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/callback"

    async def back(self) -> Any:
        """The code, as this major wants it."""
        query = parse_qs(urlsplit(await self.callback).query)
        if "error" in query:
            raise RuntimeError(query["error"][0])
        code, state = query["code"][0], query.get("state", [None])[0]
        if AuthorizationCodeResult is None:
            return code, state
        return AuthorizationCodeResult(code=code, state=state, iss=query.get("iss", [None])[0])

    async def live(self, url: str, name: str) -> None:
        """The connection, from the first request to the end."""
        redirect = await self.listen()

        async def open_page(page: str) -> None:
            self.page.set_result(page)

        metadata = OAuthClientMetadata(client_name=name, redirect_uris=[redirect])
        auth = OAuthClientProvider(url, metadata, self.keeper, open_page, self.back)
        try:
            if AuthorizationCodeResult is None:
                opened = streamablehttp_client(url, auth=auth)
            else:
                opened = streamable_http_client(url, http_client=create_mcp_http_client(auth=auth))
            async with opened as streams:
                async with ClientSession(streams[0], streams[1]) as session:
                    await session.initialize()
                    self.session = session
                    self.ready.set_result({})
                    await asyncio.Event().wait()
        except BaseException as error:
            for future in (self.page, self.ready):
                if not future.done():
                    future.set_exception(RuntimeError(repr(error)))
            raise

    async def begin(self, request: dict[str, Any]) -> Any:
        """Tries to connect; answers with the page that the browser has to open."""
        self.task = asyncio.create_task(self.live(request["url"], request.get("name", "python-agent")))
        return {"page": await self.page}

    async def finish(self, _request: dict[str, Any]) -> Any:
        """Waits for the browser and the connection."""
        return await self.ready

    async def tools(self, _request: dict[str, Any]) -> Any:
        tools = (await self.session.list_tools()).tools
        return [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in tools]


OPERATIONS = ("begin", "finish", "tools")


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
            say({"id": request["id"], "ok": False, "code": None, "message": str(error), "data": None})


asyncio.run(main())
