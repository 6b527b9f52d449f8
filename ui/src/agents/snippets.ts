// Ready-to-paste settings for the agents people use. The key is put in only while it is shown once.
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
    { id: "claude", label: "Claude Code", where: "Run in a terminal:", text: `claude mcp add --transport http prokura ${url} --header "Authorization: ${bearer}"` },
    { id: "codex", label: "Codex", where: "Add to ~/.codex/config.toml:", text: `[mcp_servers.prokura]\nurl = "${url}"\nhttp_headers = { Authorization = "${bearer}" }` },
    { id: "gemini", label: "Gemini CLI", where: "Run in a terminal:", text: `gemini mcp add --transport http prokura ${url} --header "Authorization: ${bearer}"` },
    {
      id: "opencode",
      label: "opencode",
      where: "Add to opencode.json:",
      text: JSON.stringify({ mcp: { prokura: { type: "remote", url, headers: { Authorization: bearer } } } }, null, 2),
    },
    {
      id: "other",
      label: "Others",
      where: "Most agents read this shape:",
      text: JSON.stringify({ mcpServers: { prokura: { type: "http", url, headers: { Authorization: bearer } } } }, null, 2),
    },
    {
      id: "command",
      label: "By command",
      where: "For agents that start a command. It needs no key: the first time, Prokura asks you whether this program may come in. Put your name for it in place of my-agent.",
      text: JSON.stringify({ mcpServers: { prokura: { command: "prokura", args: ["--data", data, "stdio", "--agent", "my-agent"] } } }, null, 2),
    },
  ];
}
