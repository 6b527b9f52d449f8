// Records in words. Names come from the log and may be a stranger's, so each part is shown with its marks.
import type { RecordView } from "../generated/View";

export interface Part {
  text: string;
  as: "text" | "name" | "code";
}

const words = (text: string): Part => ({ text, as: "text" });

/** `{agent}`, `{server}`, `{account}` and `{target}` stand for what the record is about. */
const SENTENCES: Record<string, string> = {
  "log.opened": "The log was opened",
  "host.started": "Prokura started",
  "host.stopped": "Prokura stopped",
  "host.recovered": "Prokura recovered after it was killed",
  "host.paused": "All agents were paused",
  "host.resumed": "All agents were resumed",
  "call.intent": "{agent} calls {target} at {server}",
  "call.outcome": "{agent}'s call to {target} at {server} {ended}",
  "call.refused": "{agent} was refused {target} at {server}",
  "request.refused": "A request was refused before it was a call",
  "question.raised": "{agent} asks for {target} at {server}",
  "question.settled": "{answer} {agent} at {server}",
  "server.added": "{server} was added",
  "server.removed": "{server} was removed",
  "server.changed": "{server} is started in another way",
  "server.start_approved": "You allowed {server} to be started",
  "server.started": "{server} was started",
  "server.stopped": "{server} was stopped",
  "server.crashed": "{server} ended by itself",
  "server.start_failed": "{server} could not be started",
  "server.exception": "An exception for {server} was made or taken back",
  "account.renamed": "An account at {server} is called {account} now",
  "account.chosen": "{agent} uses {account} at {server}",
  "account.signed_in": "You signed in to {server} as {account}",
  "account.signed_out": "{account} signed out of {server}",
  "account.sign_in_failed": "A sign-in to {server} failed",
  "token.issued": "{server} issued tokens for {account}",
  "token.refreshed": "The tokens of {account} at {server} were refreshed",
  "token.revoked": "The tokens of {account} at {server} were revoked",
  "token.failed": "Tokens for {account} at {server} could not be had",
  "tool.pinned": "{tools} of {server} pinned at first sight",
  "tool.changed": "{tools} of {server} appeared, changed or went",
  "tool.accepted": "{target} of {server} was accepted",
  "tool.classified": "{target} of {server} was classified",
  "tool.labelled": "What flows through {server} was said",
  "guardrail.added": "A guardrail was added",
  "guardrail.changed": "A guardrail was changed",
  "guardrail.removed": "A guardrail was removed",
  "flow.set": "The flow rule was set",
  "flow.forgotten": "What {agent} has read was forgotten",
  "agent.added": "{agent} was added",
  "agent.revoked": "{agent} was revoked",
  "agent.paired": "A program was paired with {agent}",
  "agent.wired": "A program's settings were changed to use Prokura",
  "agent.unwired": "A program's settings were changed back",
  "agent.unpaired": "A program is no longer paired with {agent}",
  "agent.key_renewed": "{agent} was given a new key",
  "agent.client_registered": "A program registered; nobody let it in yet",
  "agent.signed_in": "A program signed in as {agent}",
  "agent.renewed": "The tokens of a program of {agent} were renewed",
  "agent.sign_in_ended": "A sign-in of {agent} ended",
  "grant.added": "A grant for {agent} at {server} was made",
  "grant.changed": "A grant for {agent} at {server} was changed",
  "grant.revoked": "A grant for {agent} at {server} was revoked",
  "log.exported": "The log was exported",
  "log.verified": "The log was verified",
  "log.payloads_deleted": "Kept arguments and results were deleted; their records stay",
  "log.segment_closed": "The oldest records were moved into an archive",
  "setting.changed": "A setting was changed",
  "wish.refused": "A wish of the command line or window was refused",
};

/** Questions that are not about a call, such as a pairing. */
const ABOUT_NO_SERVER: Record<string, string> = {
  "question.raised": "{agent} wants to come in, and you are asked",
  "question.settled": "{answer} {agent}",
};

export function sentence(record: RecordView): Part[] {
  const pattern = (record.server ? undefined : ABOUT_NO_SERVER[record.kind]) ?? SENTENCES[record.kind];
  if (!pattern) return [words(record.kind)];
  return pattern.split(/(\{\w+\})/).filter(Boolean).map((piece) => fill(piece, record));
}

function fill(piece: string, record: RecordView): Part {
  switch (piece) {
    case "{agent}":
      return record.agent ? { text: record.agent.name, as: "name" } : words("an agent");
    case "{server}":
      return record.server ? { text: record.server.name, as: "name" } : words("a server");
    case "{account}":
      return record.account ? { text: record.account.name, as: "name" } : words("an account");
    case "{target}":
      return targetOf(record);
    case "{tools}":
      return words(counted(record.detail?.["tools"]));
    case "{ended}":
      return words(ENDS[String(record.detail?.["result"])] ?? "ended");
    case "{answer}":
      return words(ANSWERS[String(record.detail?.["answer"])] ?? "A question was settled:");
    default:
      return words(piece);
  }
}

const ANSWERS: Record<string, string> = {
  allowed: "You allowed what was asked by",
  denied: "You denied what was asked by",
  expired: "Nobody answered in time what was asked by",
  dropped: "A question was dropped, asked by",
};

const ENDS: Record<string, string> = {
  ok: "was answered",
  tool_error: "was answered with an error of the tool",
  rpc_error: "was answered with an error",
  input_required: "was answered: it needs something first",
  task: "was answered: it goes on as a task",
  not_sent: "was not sent",
  failed: "failed",
  unknown: "ended nobody knows how",
};

function targetOf(record: RecordView): Part {
  const named = record.target ?? record.detail?.["tool"];
  return typeof named === "string" ? { text: named, as: "code" } : words("something");
}

function counted(tools: unknown): string {
  const count = Array.isArray(tools) ? tools.length : 0;
  return count === 0 ? "Tools" : count === 1 ? "1 tool" : `${count} tools`;
}

export type RecordTone = "allow" | "ask" | "deny" | "plain";

/** The colour of its mark: green went, amber asks, red refused or failed. */
export function tone(record: RecordView): RecordTone {
  const ended = record.detail?.["result"] ?? record.detail?.["answer"];
  if (["failed", "not_sent", "rpc_error", "tool_error", "cancelled", "denied"].includes(String(ended))) return "deny";
  if (/refused|failed|revoked|removed|recovered|crashed/.test(record.kind)) return "deny";
  if (/question\.raised|tool\.changed|paused/.test(record.kind)) return "ask";
  if (record.kind === "call.outcome" || record.kind === "call.intent") return "allow";
  return "plain";
}
