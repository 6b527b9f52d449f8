// An agent made with the official TypeScript client, driven by lines of JSON.
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";

import { serve } from "./lines.mjs";

let client;
let transport;

/** What a person would answer: a given content, or the defaults of the form. */
function answering(answer) {
  return async (request) => {
    if (answer !== "defaults") return { action: "accept", content: answer };
    const properties = request.params.requestedSchema?.properties ?? {};
    const content = {};
    for (const [name, schema] of Object.entries(properties)) {
      if ("default" in schema) content[name] = schema.default;
    }
    return { action: "accept", content };
  };
}

serve({
  /** Connects to `url` with the bearer `key`, in the era `legacy`, or exactly a modern revision. */
  async connect({ url, key, era, capabilities = {}, answer }) {
    client = new Client(
      { name: "typescript-agent", version: "1.0.0" },
      { capabilities, versionNegotiation: { mode: era === "legacy" ? "legacy" : { pin: era } } },
    );
    if (answer !== undefined) client.setRequestHandler("elicitation/create", answering(answer));
    const headers = key ? { authorization: `Bearer ${key}` } : {};
    transport = new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } });
    await client.connect(transport);
    return { version: client.getNegotiatedProtocolVersion() };
  },
  async tools() {
    return (await client.listTools()).tools;
  },
  /** With `progress` the client asks for progress, and goes on waiting for as long as it hears of it. */
  async call({ name, arguments: given = {}, timeout = 60_000, progress = false }) {
    const hears = progress ? { onprogress: () => {}, resetTimeoutOnProgress: true } : {};
    return client.callTool({ name, arguments: given }, { timeout, ...hears });
  },
  async resources() {
    return (await client.listResources()).resources;
  },
  async read({ uri }) {
    return client.readResource({ uri });
  },
  async prompts() {
    return (await client.listPrompts()).prompts;
  },
  async prompt({ name, arguments: given }) {
    return client.getPrompt({ name, arguments: given });
  },
  async close() {
    await client.close();
  },
});
