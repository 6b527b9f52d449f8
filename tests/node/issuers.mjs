// Real, certified authorization servers: oidc-provider, with resource indicators, registration, PKCE, rotation of
// refresh tokens and revocation. Everything they issue is remembered, so that a test can look for it elsewhere.
import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { randomBytes } from "node:crypto";

import Provider from "oidc-provider";

import { say, serve } from "./lines.mjs";

// Its advice for operators is not for a test; standard output is for answers only.
console.info = () => {};
console.warn = () => {};

const issuers = [];

// Prokura's client metadata document as it is published, at the address that it names.
const document = await readFile(new URL("../../docs/client-metadata.json", import.meta.url), "utf8");
const { client_id: published } = JSON.parse(document);

function configuration(state) {
  return {
    clients: [
      {
        client_id: "resource-server",
        client_secret: state.secret,
        redirect_uris: [],
        grant_types: [],
        response_types: [],
      },
    ],
    cookies: { keys: [randomBytes(16).toString("hex")] },
    scopes: ["use", "offline_access"],
    rotateRefreshToken: true,
    issueRefreshToken: async (_ctx, client) => client.grantTypeAllowed("refresh_token"),
    fetch: async (url, options) => {
      if (String(url) !== published) return fetch(url, options);
      state.documents += 1;
      return new Response(document, { headers: { "content-type": "application/json" } });
    },
    features: {
      clientIdMetadataDocument: { enabled: true, ack: "draft-02" },
      devInteractions: { enabled: true },
      deviceFlow: { enabled: true },
      dPoP: { enabled: true },
      pushedAuthorizationRequests: { enabled: true },
      introspection: { enabled: true },
      registration: { enabled: true },
      registrationManagement: { enabled: true },
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true,
        useGrantedResource: () => true,
        getResourceServerInfo(_ctx, resource) {
          if (!state.resources.includes(resource)) throw new Error(`unknown resource ${resource}`);
          return {
            scope: "use",
            audience: resource,
            accessTokenFormat: "opaque",
            accessTokenTTL: 3600,
          };
        },
      },
    },
  };
}

async function start() {
  const state = { secret: randomBytes(16).toString("hex"), resources: [], issued: [], documents: 0, registered: [] };
  const server = createServer();
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, configuration(state));
  provider.use(async (ctx, next) => {
    await next();
    const given = ctx.path === "/token" || ctx.path === "/reg" ? ctx.body : undefined;
    if (ctx.path === "/reg" && given?.client_id) state.registered.push(given.client_id);
    for (const name of ["access_token", "refresh_token", "id_token", "client_secret", "registration_access_token"]) {
      if (given?.[name]) state.issued.push({ kind: name, value: given[name] });
    }
  });
  provider.on("authorization_code.saved", (code) => state.issued.push({ kind: "code", value: code.jti }));
  provider.on("server_error", (_ctx, error) => process.stderr.write(`${error.stack}\n`));
  server.on("request", provider.callback());
  state.provider = provider;
  state.origin = issuer;
  issuers.push(state);
  return { issuer, client: "resource-server", secret: state.secret, introspection: `${issuer}/token/introspection` };
}

serve({
  async resource({ issuer, resource }) {
    issuers[issuer].resources.push(resource);
  },
  async end({ issuer }) {
    const { AccessToken } = issuers[issuer].provider;
    for (const { kind, value } of issuers[issuer].issued) {
      if (kind === "access_token") await (await AccessToken.find(value))?.destroy();
    }
  },
  /** Plays a thief who has the oldest refresh token: the status that the token endpoint answers with. */
  async reuse({ issuer }) {
    const { provider, issued, origin } = issuers[issuer];
    const { value } = issued.find(({ kind }) => kind === "refresh_token");
    const token = await provider.RefreshToken.find(value);
    const body = new URLSearchParams({ grant_type: "refresh_token", refresh_token: value, client_id: token.clientId });
    return (await fetch(`${origin}/token`, { method: "POST", body })).status;
  },
  /** What introspection (RFC 7662) says of every token: the kinds of those that are still good. */
  async active({ issuer }) {
    const { issued, origin, secret } = issuers[issuer];
    const authorization = `Basic ${Buffer.from(`resource-server:${secret}`).toString("base64")}`;
    const good = [];
    for (const { kind, value } of issued.filter((one) => ["access_token", "refresh_token"].includes(one.kind))) {
      const body = new URLSearchParams({ token: value });
      const answer = await fetch(`${origin}/token/introspection`, { method: "POST", headers: { authorization }, body });
      if ((await answer.json()).active) good.push(kind);
    }
    return good;
  },
  /** How often the published document was read, and which registered clients there still are. */
  async clients({ issuer }) {
    const { provider, documents, registered } = issuers[issuer];
    const left = [];
    for (const id of registered) if (await provider.Client.find(id)) left.push(id);
    return { documents, registered: registered.length, left: left.length };
  },
  async issued({ issuer }) {
    return issuers[issuer].issued;
  },
});

say({ ready: [await start(), await start()] });
