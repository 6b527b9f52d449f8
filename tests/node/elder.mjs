// A server of the transport of 2024-11-05 alone, made with the official SDK. It says where it listens in one line of JSON,
// and ends with its standard input.
import { createServer } from "node:http";

import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import { SSEServerTransport } from "@modelcontextprotocol/sdk/server/sse.js";
import { CallToolRequestSchema, ListToolsRequestSchema } from "@modelcontextprotocol/sdk/types.js";

const schema = { type: "object", properties: { text: { type: "string" } } };
const tools = ["echo", "ask", "steps"].map((name) => ({ name, description: `Does ${name}.`, inputSchema: schema }));
const transports = new Map();
const said = (text) => ({ content: [{ type: "text", text }] });

function conversation() {
  const server = new Server({ name: "elder", version: "1.0.0" }, { capabilities: { tools: {} } });
  server.setRequestHandler(ListToolsRequestSchema, () => ({ tools }));
  server.setRequestHandler(CallToolRequestSchema, async ({ params }, extra) => {
    if (params.name === "ask") {
      const requestedSchema = { type: "object", properties: { word: { type: "string", default: "please" } } };
      const answer = await server.elicitInput({ message: "The word?", requestedSchema });
      return said(`${answer.action} ${answer.content?.word}`);
    }
    const progressToken = params._meta?.progressToken;
    if (params.name === "steps" && progressToken !== undefined) {
      for (const progress of [1, 2, 3]) {
        await extra.sendNotification({ method: "notifications/progress", params: { progressToken, progress, total: 3 } });
      }
    }
    return said(String(params.arguments?.text ?? "done"));
  });
  return server;
}

const http = createServer(async (request, response) => {
  const url = new URL(request.url, "http://localhost");
  if (request.method === "GET" && url.pathname === "/sse") {
    const transport = new SSEServerTransport("/messages", response);
    transports.set(transport.sessionId, transport);
    response.on("close", () => transports.delete(transport.sessionId));
    await conversation().connect(transport);
  } else if (request.method === "POST" && url.pathname === "/messages") {
    const transport = transports.get(url.searchParams.get("sessionId"));
    if (transport) await transport.handlePostMessage(request, response);
    else response.writeHead(404).end("No such session");
  } else if (url.pathname === "/open") {
    response.end(String(transports.size));
  } else {
    response.writeHead(url.pathname === "/sse" ? 405 : 404).end();
  }
});
http.listen(Number(process.argv[2] ?? 0), "127.0.0.1", () => {
  process.stdout.write(`${JSON.stringify({ port: http.address().port })}\n`);
});
process.stdin.on("end", () => process.exit(0)).resume();
