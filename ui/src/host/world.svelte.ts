// The lists that more than one screen needs, followed once for the whole window.
import * as host from "./host";
import { Live } from "./live.svelte";

export const world = {
  state: new Live(host.state, ["state", "approvals"]),
  servers: new Live(host.servers, ["servers", "accounts", "tools", "grants"]),
  agents: new Live(host.agents, ["agents", "grants"]),
  grants: new Live(() => host.grants(false), ["grants", "tools", "servers", "agents", "accounts"]),
  approvals: new Live(() => host.approvals(false), ["approvals"]),
};

/** Follows all of them; use it as an effect of the window's root. */
export function followWorld(): () => void {
  const ends = Object.values(world).map((live) => live.follow());
  return () => ends.forEach((end) => end());
}
