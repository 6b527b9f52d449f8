// An agent made with the first generation of the official TypeScript SDK: sessions, and tasks as 2025-11-25 has them.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

import { serve } from "./lines.mjs";

let client;

serve({
  async connect({ url, key }) {
    client = new Client({ name: "first-agent", version: "1.0.0" });
    const requestInit = { headers: { authorization: `Bearer ${key}` } };
    await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit }));
    return { version: client.getServerVersion()?.version };
  },
  async tools() {
    return (await client.listTools()).tools;
  },
  async call({ name, arguments: given = {}, timeout = 60_000 }) {
    return client.callTool({ name, arguments: given }, undefined, { timeout });
  },
  /** Calls in a task, where the tool offers that; says what the task went through. */
  async task({ name, arguments: given = {}, timeout = 60_000 }) {
    const steps = [];
    const stream = client.experimental.tasks.callToolStream({ name, arguments: given }, undefined, { timeout });
    for await (const message of stream) {
      if (message.type === "taskCreated" || message.type === "taskStatus") steps.push(message.task.status);
      if (message.type === "result") return { steps, result: message.result };
      if (message.type === "error") throw message.error;
    }
    throw new Error("the task ended without a result");
  },
  async close() {
    await client.close();
  },
});
