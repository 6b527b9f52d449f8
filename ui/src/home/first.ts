// The first steps: which are done, and what each says. They lead from nothing to a first call that asks.
import type { AgentView, GrantView, ProgramView, ServerView } from "../generated/View";

export type StepId = "agent" | "server" | "come" | "grant";

export interface Step {
  id: StepId;
  done: boolean;
  title: string;
  text: string;
}

export function firstSteps(servers: readonly ServerView[], agents: readonly AgentView[], grants: readonly GrantView[], programs: readonly ProgramView[]): Step[] {
  const wired = programs.filter((program) => program.state === "connected");
  const free = programs.filter((program) => program.state === "free");
  const unsigned = servers.find((server) => server.state === "sign_in_needed");
  const server: Step = {
    id: "server",
    done: servers.some((one) => one.state !== "sign_in_needed"),
    title: unsigned ? `Sign in to ${unsigned.name}` : "Add a server",
    text: "You sign in once. The tokens stay here, and no agent ever sees them.",
  };
  const agent: Step =
    free.length + wired.length > 0
      ? { id: "agent", done: agents.length + wired.length > 0, title: "Connect an agent", text: "These are on this machine. You see every change of their settings first, and can take it back. Servers they have can move here." }
      : { id: "agent", done: agents.length > 0, title: "Add an agent", text: "It gets a key of its own, and can do nothing yet." };
  const name = wired[0]?.name ?? agents[0]?.name ?? "the agent";
  const come: Step = { id: "come", done: agents.length > 0, title: `Restart ${name}`, text: "When it comes for the first time, a window asks you whether this program may come in. It can do nothing yet." };
  const grant: Step = { id: "grant", done: grants.length > 0, title: "Grant what it may use", text: "Begin with everything asking you, or choose tool by tool. What you do not grant does not exist for it." };
  return wired.length > 0 || free.length > 0 ? [agent, server, ...(wired.length > 0 ? [come] : []), grant] : [server, agent, grant];
}

/** Whether the person is still at the first steps. */
export function isFirstRun(servers: readonly ServerView[], agents: readonly AgentView[], grants: readonly GrantView[]): boolean {
  return servers.length === 0 || agents.length === 0 || grants.length === 0;
}
