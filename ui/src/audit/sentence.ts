// Records in words. Names come from the log and may be a stranger's, so each part is shown with its marks.
import { parts, t, type Key } from "../lang/messages.svelte";
import type { RecordView } from "../generated/View";

export interface Part {
  text: string;
  as: "text" | "name" | "code";
}

const words = (text: string): Part => ({ text, as: "text" });

/** `{agent}`, `{server}`, `{account}` and `{target}` stand for what the record is about. */
const SENTENCES: Record<string, Key> = {
  "log.opened": "audit.the_log_was_opened",
  "host.started": "audit.prokura_started",
  "host.stopped": "audit.prokura_stopped",
  "host.recovered": "audit.prokura_recovered_after_it_was",
  "host.paused": "audit.all_agents_were_paused",
  "host.resumed": "audit.all_agents_were_resumed",
  "call.intent": "audit.target_server",
  "call.outcome": "audit.s_call_target_server_was",
  "call.refused": "audit.was_target_server",
  "request.refused": "audit.a_request_was_refused_before",
  "question.raised": "audit.asks_target_server",
  "question.settled": "audit.you_allowed_what_was_asked",
  "server.added": "audit.was_added",
  "server.removed": "audit.was_removed",
  "server.changed": "audit.is_started_in_another_way",
  "server.start_approved": "audit.you_server_to_be_started",
  "server.started": "audit.was_started",
  "server.stopped": "audit.was_stopped",
  "server.crashed": "audit.ended_by_itself",
  "server.start_failed": "audit.could_not_be_started",
  "server.exception": "audit.an_exception_server_was_made",
  "account.renamed": "audit.an_account_server_is_account",
  "account.chosen": "audit.account_server",
  "account.signed_in": "audit.you_signed_in_server_account",
  "account.signed_out": "audit.signed_out_server",
  "account.sign_in_failed": "audit.a_sign_in_server_failed",
  "token.issued": "audit.issued_tokens_account",
  "token.refreshed": "audit.the_tokens_account_server_were",
  "token.revoked": "audit.the_tokens_account_server_were_revoked",
  "token.failed": "audit.tokens_account_server_could_not",
  "tool.pinned": "audit.tools_1_tool_tools_server",
  "tool.changed": "audit.tools_1_tool_tools_server_appeared",
  "tool.accepted": "audit.server_was_accepted",
  "tool.classified": "audit.server_was_classified",
  "tool.labelled": "audit.what_flows_server_was_said",
  "guardrail.added": "audit.a_guardrail_was_added",
  "guardrail.changed": "audit.a_guardrail_was_changed",
  "guardrail.removed": "audit.a_guardrail_was_removed",
  "flow.set": "audit.the_flow_rule_was_set",
  "flow.forgotten": "audit.what_has_read_was_forgotten",
  "agent.added": "audit.agent_was_added",
  "agent.revoked": "audit.was_revoked",
  "agent.paired": "audit.a_program_was_paired_agent",
  "agent.wired": "audit.a_programs_settings_were_changed",
  "agent.unwired": "audit.a_programs_settings_were_changed_back",
  "agent.unpaired": "audit.a_program_is_no_longer",
  "agent.key_renewed": "audit.was_given_a_new_key",
  "agent.client_registered": "audit.a_program_registered_nobody_let",
  "agent.signed_in": "audit.a_program_signed_in_agent",
  "agent.renewed": "audit.the_tokens_of_a_program",
  "agent.sign_in_ended": "audit.a_sign_in_agent_ended",
  "grant.added": "audit.a_grant_agent_server_was",
  "grant.changed": "audit.a_grant_agent_server_was_changed",
  "grant.revoked": "audit.a_grant_agent_server_was_revoked",
  "log.exported": "audit.the_log_was_exported",
  "log.verified": "audit.the_log_was_verified",
  "log.payloads_deleted": "audit.kept_arguments_and_results_were",
  "log.segment_closed": "audit.the_oldest_records_were_moved",
  "setting.changed": "audit.a_setting_was_changed",
  "wish.refused": "audit.a_wish_of_the_command",
};

/** Questions that are not about a call, such as a pairing. */
const ABOUT_NO_SERVER: Record<string, Key> = {
  "question.raised": "audit.wants_to_come_in_and",
  "question.settled": "audit.you_allowed_what_was_asked_by",
};

const ACTIONS: Record<string, Key> = { accept: "elicitation.log_accept", decline: "elicitation.log_decline", cancel: "elicitation.log_cancel" };

/** How the log tells of a server's question, and of what it was told; `undefined` for every other record. */
export function askedSentence(record: RecordView): Key | undefined {
  if (record.kind === "question.raised" && record.detail?.["kind"] === "elicitation") return "elicitation.log_raised";
  return record.kind === "question.settled" ? ACTIONS[String(record.detail?.["action"])] : undefined;
}

export function sentence(record: RecordView): Part[] {
  const key = askedSentence(record) ?? (record.server ? undefined : ABOUT_NO_SERVER[record.kind]) ?? SENTENCES[record.kind];
  if (!key) return [words(record.kind)];
  const name = (of: { name: string } | null, without: string): Part => (of ? { text: of.name, as: "name" } : words(without));
  const tools = record.detail?.["tools"];
  const all = parts<Part>(key, {
    agent: name(record.agent, t("audit.an_agent")),
    server: name(record.server, t("audit.a_server")),
    account: name(record.account, t("audit.an_account")),
    target: targetOf(record),
    tools: Array.isArray(tools) ? tools.length : 0,
    ended: String(record.detail?.["result"]),
    answer: String(record.detail?.["answer"]),
  });
  return all.map((part) => (typeof part === "string" ? words(part) : part));
}

function targetOf(record: RecordView): Part {
  const named = record.target ?? record.detail?.["tool"];
  return typeof named === "string" ? { text: named, as: "code" } : words(t("audit.something"));
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
