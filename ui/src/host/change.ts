/** One kind of thing that changed. It carries no state: Rust owns the truth, so views ask again. */
export type Change = "servers" | "accounts" | "tools" | "agents" | "grants" | "guardrails" | "approvals" | "audit" | "state";
