// An agent made with the official TypeScript client, driven by lines of JSON.
import { spawnSync } from "node:child_process";

import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";

import { serve } from "./lines.mjs";

let client;
let transport;
let heard = [];
let told = () => {};

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
  /**
   * Connects to `url` with the bearer `key`, or to a `command` on standard input and output, in the era `legacy`, or
   * exactly a modern revision.
   */
  async connect({ url, key, command, era, capabilities = {}, answer }) {
    client = new Client(
      { name: "typescript-agent", version: "1.0.0" },
      { capabilities, versionNegotiation: { mode: era === "legacy" ? "legacy" : { pin: era } } },
    );
    heard = [];
    client.fallbackNotificationHandler = async (notification) => {
      heard.push(notification);
      told();
    };
    if (answer !== undefined) client.setRequestHandler("elicitation/create", answering(answer));
    if (command) {
      transport = new StdioClientTransport({ command: command[0], args: command.slice(1), stderr: "ignore" });
      await client.connect(transport);
      return { version: client.getNegotiatedProtocolVersion() };
    }
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
  async templates() {
    return (await client.listResourceTemplates()).resourceTemplates;
  },
  /** Asks to hear of a resource and of changed lists; the answer is what the server agreed to, where it says so. */
  async subscribe({ uri }) {
    if (client.getNegotiatedProtocolVersion() < "2026") return client.subscribeResource({ uri });
    return (await client.listen({ resourceSubscriptions: [uri], toolsListChanged: true })).honoredFilter;
  },
  /** Waits for a notification; null when there is none within so many milliseconds. */
  async heard({ method, within = 10_000 }) {
    const until = Date.now() + within;
    for (;;) {
      const found = heard.find((one) => one.method === method);
      if (found || Date.now() >= until) return found ?? null;
      await new Promise((resolve) => {
        told = resolve;
        setTimeout(resolve, until - Date.now());
      });
    }
  },
  async prompts() {
    return (await client.listPrompts()).prompts;
  },
  async prompt({ name, arguments: given }) {
    return client.getPrompt({ name, arguments: given });
  },
  /** Runs a command as a child of this agent. */
  run({ command }) {
    const done = spawnSync(command[0], command.slice(1), { encoding: "utf8" });
    return { code: done.status, out: done.stdout, err: done.stderr };
  },
  async close() {
    await client.close();
  },
});
