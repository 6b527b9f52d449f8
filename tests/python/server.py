"""A server on standard input and output made with the official Python package."""

from mcp.server.mcpserver import Context, MCPServer

server = MCPServer("counter")


@server.tool()
def add(first: int, second: int) -> int:
    """Adds two numbers."""
    return first + second


@server.tool()
async def count(to: int, ctx: Context) -> str:
    """Counts, and says how far it is."""
    for number in range(to):
        await ctx.report_progress(number + 1, to)
    return f"counted to {to}"


server.run("stdio")
