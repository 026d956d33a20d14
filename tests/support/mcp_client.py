"""The Model Context Protocol's own client for Python, calling tools of the server that `oubli mcp` is.

Arguments: the command line's program, and pairs of a tool and its arguments as JSON. A line is printed of the tools that there
are, and one of each call's result.
"""

import asyncio
import json
import os
import sys

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

program, *calls = sys.argv[1:]


async def main():
    environment = {name: os.environ[name] for name in ("OUBLI_URL", "OUBLI_API_KEY")}
    server = StdioServerParameters(command=program, args=["mcp", "--wait-at-most", "30"], env=environment)
    async with stdio_client(server) as (reads, writes), ClientSession(reads, writes) as session:
        await session.initialize()
        listed = await session.list_tools()
        print("TOOLS " + json.dumps({tool.name: dump(tool) for tool in listed.tools}), flush=True)
        for tool, arguments in zip(calls[::2], calls[1::2]):
            heard = []

            async def progress(done, total, message):
                heard.append(message)

            result = await session.call_tool(tool, json.loads(arguments), progress_callback=progress)
            print("RESULT " + json.dumps({**dump(result), "heard": heard}), flush=True)


def dump(model):
    return model.model_dump(mode="json", by_alias=True)


asyncio.run(main())
