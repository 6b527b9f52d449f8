// The first steps: which are done, and what each says. They lead from nothing to a first call that asks.
import { t } from "../lang/messages.svelte";
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
    title: unsigned ? t("home.sign_in_to_server", { server: unsigned.name }) : t("home.add_a_server"),
    text: t("home.you_sign_in_once_the"),
  };
  const agent: Step =
    free.length + wired.length > 0
      ? { id: "agent", done: agents.length + wired.length > 0, title: t("home.connect_an_agent"), text: t("home.these_are_on_this_machine") }
      : { id: "agent", done: agents.length > 0, title: t("home.add_an_agent"), text: t("home.it_gets_a_key_of") };
  const name = wired[0]?.name ?? agents[0]?.name ?? t("home.the_agent");
  const come: Step = { id: "come", done: agents.length > 0, title: t("home.restart", { agent: name }), text: t("home.when_it_comes_for_the") };
  const grant: Step = { id: "grant", done: grants.length > 0, title: t("home.grant_what_it_may_use"), text: t("home.begin_with_everything_asking_you") };
  return wired.length > 0 || free.length > 0 ? [agent, server, ...(wired.length > 0 ? [come] : []), grant] : [server, agent, grant];
}

/** Whether the person is still at the first steps. */
export function isFirstRun(servers: readonly ServerView[], agents: readonly AgentView[], grants: readonly GrantView[]): boolean {
  return servers.length === 0 || agents.length === 0 || grants.length === 0;
}
