// Real, certified authorization servers: oidc-provider, with resource indicators, registration, PKCE, rotation of
// refresh tokens and revocation. Everything they issue is remembered, so that a test can look for it elsewhere.
import { createServer } from "node:http";
import { randomBytes } from "node:crypto";

import Provider from "oidc-provider";

import { say, serve } from "./lines.mjs";

// Its advice for operators is not for a test; standard output is for answers only.
console.info = () => {};
console.warn = () => {};

const issuers = [];

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
    features: {
      devInteractions: { enabled: true },
      deviceFlow: { enabled: true },
      dPoP: { enabled: true },
      pushedAuthorizationRequests: { enabled: true },
      introspection: { enabled: true },
      registration: { enabled: true },
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
  const state = { secret: randomBytes(16).toString("hex"), resources: [], issued: [] };
  const server = createServer();
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, configuration(state));
  provider.use(async (ctx, next) => {
    await next();
    const given = ctx.path === "/token" || ctx.path === "/reg" ? ctx.body : undefined;
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
  async issued({ issuer }) {
    return issuers[issuer].issued;
  },
});

say({ ready: [await start(), await start()] });
