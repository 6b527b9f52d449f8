// An agent that signs in by itself (OAuth), made with the official TypeScript client of either major, driven by lines of
// JSON. It listens for the browser like any agent on a person's machine.
import { createServer } from "node:http";

import { serve } from "./lines.mjs";

/** The classes of one major. */
async function library(major) {
  if (major === 1) {
    const { Client } = await import("@modelcontextprotocol/sdk/client/index.js");
    const { StreamableHTTPClientTransport } = await import("@modelcontextprotocol/sdk/client/streamableHttp.js");
    return { Client, StreamableHTTPClientTransport };
  }
  return import("@modelcontextprotocol/client");
}

/** Where the browser comes back to. */
async function listener() {
  let arrived;
  const callback = new Promise((resolve) => (arrived = resolve));
  const server = createServer((request, response) => {
    response.end("You can close this page.");
    arrived(new URL(request.url, "http://127.0.0.1"));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { callback, server, url: `http://127.0.0.1:${server.address().port}/callback` };
}

/** What the client keeps between requests. */
class Keeper {
  constructor(redirectUrl, name) {
    Object.assign(this, { redirectUrl, name, kept: {} });
  }
  get clientMetadata() {
    return { client_name: this.name, redirect_uris: [this.redirectUrl], token_endpoint_auth_method: "none" };
  }
  state() {
    return "a-state-of-its-own";
  }
  clientInformation() {
    return this.kept.client;
  }
  saveClientInformation(client) {
    this.kept.client = client;
  }
  tokens() {
    return this.kept.tokens;
  }
  saveTokens(tokens) {
    this.kept.tokens = tokens;
  }
  redirectToAuthorization(url) {
    this.page = url.href;
  }
  saveCodeVerifier(verifier) {
    this.kept.verifier = verifier;
  }
  codeVerifier() {
    return this.kept.verifier;
  }
  saveDiscoveryState(state) {
    this.kept.discovery = state;
  }
  discoveryState() {
    return this.kept.discovery;
  }
}

let of;

async function connect() {
  const { Client, StreamableHTTPClientTransport } = of.library;
  const options = of.major === 1 ? {} : { versionNegotiation: { mode: of.era === "legacy" ? "legacy" : { pin: of.era } } };
  of.client = new Client({ name: of.keeper.name, version: "1.0.0" }, { capabilities: {}, ...options });
  of.transport = new StreamableHTTPClientTransport(new URL(of.url), { authProvider: of.keeper });
  await of.client.connect(of.transport);
}

serve({
  /** Tries to connect; answers with the page that the browser has to open. */
  async begin({ url, era = "legacy", major = 2, name = "typescript-agent" }) {
    const listening = await listener();
    of = { url, era, major, listening, library: await library(major), keeper: new Keeper(listening.url, name) };
    try {
      await connect();
    } catch (error) {
      if (of.keeper.page) return { page: of.keeper.page };
      throw error;
    }
    throw new Error("it connected without a sign-in");
  },
  /** Waits for the browser, trades the code, and connects. */
  async finish() {
    const callback = await of.listening.callback;
    of.listening.server.close();
    const parameters = callback.searchParams;
    if (parameters.get("error")) throw new Error(`${parameters.get("error")}: ${parameters.get("error_description")}`);
    if (parameters.get("state") !== "a-state-of-its-own") throw new Error("another state came back");
    await of.transport.finishAuth(of.major === 1 ? parameters.get("code") : parameters);
    await connect();
    return { issuer: parameters.get("iss") };
  },
  async tools() {
    return (await of.client.listTools()).tools;
  },
  async call({ name, arguments: given = {} }) {
    return of.client.callTool({ name, arguments: given });
  },
  /** Throws the access token away: the next request has to renew. */
  async forget() {
    of.keeper.kept.tokens = { ...of.keeper.kept.tokens, access_token: "pra_gone" };
  },
  /** What a thief would want. */
  async kept() {
    return of.keeper.kept.tokens;
  },
});
