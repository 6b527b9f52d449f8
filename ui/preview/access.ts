// Recorded effective access for looking at screens. Nothing here is built into the program.
import type { AccessWish } from "../src/generated/Request";
import type { AccessView, WhyView } from "../src/generated/View";
import { agents, servers, tools, type Scene } from "./data";

const say = (rule: string, text: string): WhyView => ({ rule, text });

/** Lists are made anew at every call; thousands of rows share one. */
const once = <T>(make: (scene: Scene) => T): ((scene: Scene) => T) => {
  let made: { scene: Scene; value: T } | undefined;
  return (scene) => (made?.scene === scene ? made : (made = { scene, value: make(scene) })).value;
};
const [allServers, allAgents] = [once(servers), once(agents)];

function row(scene: Scene, agent: number, server: number, target: string, outcomes: string[], why: WhyView[], more: Partial<AccessView> = {}): AccessView {
  const at = allServers(scene)[server];
  const who = allAgents(scene)[agent];
  const account = at?.accounts[0];
  const tool = tools(scene, `srv_${server}`).find((one) => `tool:${one.name}` === target);
  return {
    agent: { id: who?.id ?? "", name: who?.name ?? "" }, server: { id: at?.id ?? "", name: at?.name ?? "" }, account: { id: account?.id ?? "", name: account?.name ?? "" },
    target, class: tool?.class ?? null, pin: tool?.pin ?? null, effect: outcomes.length === 1 ? (outcomes[0] ?? "") : "partly", outcomes, why, stopped: who?.state === "paused" ? "paused" : null, ...more,
  };
}

function all(scene: Scene): AccessView[] {
  if (scene === "empty") return [];
  const reads = say("grt_0", "A grant allows every read tool.");
  const list = [
    ...tools(scene, "srv_0").filter((tool) => tool.class === "read").map((tool) => row(scene, 0, 0, `tool:${tool.name}`, ["allow"], [reads])),
    row(scene, 0, 0, "tool:create_issue", ["ask"], [say("grt_1", "A grant wants you to be asked about every write tool.")]),
    row(scene, 0, 0, "resource:repo://northwind/*", ["allow"], [say("grt_13", "A grant allows resources that match repo://northwind/*.")]),
    row(scene, 0, 1, "tool:get_statement", ["allow"], [say("grt_3", "A grant allows every read tool.")]),
    row(scene, 0, 1, "tool:send_payment", ["allow", "ask", "deny"], [
      say("flow", "Within 8 hours this agent has read something private (get_statement of ledger, 12 minutes ago) and something that strangers can write (read_message of mailbox, 3 minutes ago), and send_payment sends outward. That needs you, whatever is granted."),
      say("grt_5", "A grant allows send_payment where /to = \"Grace\" and /amount <= 50 within sum(/amount)<=200/1d (\"Small sums for Grace.\")."),
      say("gdr_1", "The guardrail \"No large payments\" wants you to be asked about some of these calls: more than 500."),
    ]),
    row(scene, 0, 1, "tool:schedule_payment", ["deny"], [say("pin", "The server changed the definition of this tool, and the change has not been accepted yet.")]),
    row(scene, 0, 1, "tool:close_account", ["deny"], [say("grt_6", "A grant denies close_account (\"Never from an agent.\").")]),
    ...tools(scene, "srv_0").map((tool) => row(scene, 1, 0, `tool:${tool.name}`, ["ask"], [say("grt_9", "A grant wants you to be asked about all tools.")])),
    row(scene, 2, 1, "tool:get_statement", ["allow"], [say("grt_10", "A grant allows get_statement.")]),
  ];
  if (scene === "crowded") for (let at = 0; at < 5000; at++) list.push(row(scene, 0, 4 + (at % 4), `tool:a_tool_with_a_number_${at}`, at % 5 ? ["allow"] : ["ask"], [reads], { class: at % 5 ? "read" : "write", pin: "accepted" }));
  return list;
}

export function access(scene: Scene, of: AccessWish): AccessView[] {
  return all(scene).filter((one) => (of.by === "agent" ? one.agent.id === of.agent : one.server.id === of.server && one.target === `tool:${of.tool}`));
}
