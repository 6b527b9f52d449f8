// Ready-to-paste settings for the agents people use. The key is put in only while it is shown once.
import { t } from "../lang/messages.svelte";

export interface Snippet {
  id: string;
  label: string;
  where: string;
  text: string;
}

export function snippets(http: string, key: string, data: string): Snippet[] {
  const url = `${http}/mcp`;
  const bearer = `Bearer ${key}`;
  return [
    { id: "claude", label: "Claude Code", where: t("agents.run_in_a_terminal"), text: `claude mcp add --transport http prokura ${url} --header "Authorization: ${bearer}"` },
    { id: "codex", label: "Codex", where: t("agents.add_file", { file: "~/.codex/config.toml" }), text: `[mcp_servers.prokura]\nurl = "${url}"\nhttp_headers = { Authorization = "${bearer}" }` },
    { id: "gemini", label: "Gemini CLI", where: t("agents.run_in_a_terminal"), text: `gemini mcp add --transport http prokura ${url} --header "Authorization: ${bearer}"` },
    {
      id: "opencode",
      label: "opencode",
      where: t("agents.add_file", { file: "opencode.json" }),
      text: JSON.stringify({ mcp: { prokura: { type: "remote", url, headers: { Authorization: bearer } } } }, null, 2),
    },
    {
      id: "other",
      label: t("agents.others"),
      where: t("agents.most_agents_read_this_shape"),
      text: JSON.stringify({ mcpServers: { prokura: { type: "http", url, headers: { Authorization: bearer } } } }, null, 2),
    },
    {
      id: "command",
      label: t("agents.by_command"),
      where: t("agents.for_agents_that_start_a", { placeholder: "my-agent" }),
      text: JSON.stringify({ mcpServers: { prokura: { command: "prokura", args: ["--data", data, "stdio", "--agent", "my-agent"] } } }, null, 2),
    },
  ];
}
