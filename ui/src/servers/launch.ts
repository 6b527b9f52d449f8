// Between a form and how a program is started: one word, variable or folder a line, and nothing read by a shell.
import { t } from "../lang/messages.svelte";
import type { LaunchWish } from "../generated/Request";
import type { LocalView } from "../generated/View";
import type { Tone } from "../parts/Badge.svelte";

export interface SecretEntry {
  name: string;
  value: string;
  /** Whether a value is in the vault already. */
  kept: boolean;
}

export interface LaunchForm {
  command: string;
  words: string;
  folder: string;
  variables: string;
  secrets: SecretEntry[];
  confined: boolean;
  read: string;
  write: string;
  network: boolean;
}

export const emptyForm = (): LaunchForm => ({ command: "", words: "", folder: "", variables: "", secrets: [], confined: false, read: "", write: "", network: false });

/** What is entered for a server now, to be changed. */
export function formOf(local: LocalView): LaunchForm {
  const { entered } = local;
  return {
    command: entered.command,
    words: entered.arguments.join("\n"),
    folder: entered.folder ?? "",
    variables: entered.environment.join("\n"),
    secrets: entered.secrets.map((name) => ({ name, value: "", kept: true })),
    confined: entered.confined,
    read: entered.read.join("\n"),
    write: entered.write.join("\n"),
    network: entered.network,
  };
}

/** The lines that hold something; an argument keeps its spaces. */
const lines = (text: string): string[] => text.split("\n").filter((line) => line !== "");
const paths = (text: string): string[] => lines(text).map((line) => line.trim()).filter(Boolean);

/** A line that is no variable, where there is one. */
export const badVariable = (text: string): string | undefined => paths(text).find((line) => !/^[A-Za-z_]\w*=/.test(line));

export function wishOf(form: LaunchForm): LaunchWish {
  const environment: Record<string, string> = {};
  for (const line of paths(form.variables)) {
    const at = line.indexOf("=");
    if (at > 0) environment[line.slice(0, at)] = line.slice(at + 1);
  }
  const secrets: Record<string, string | null> = {};
  for (const one of form.secrets) if (one.name.trim()) secrets[one.name.trim()] = one.kept && one.value === "" ? null : one.value;
  return {
    command: form.command.trim(),
    arguments: lines(form.words),
    ...(form.folder.trim() ? { folder: form.folder.trim() } : {}),
    environment,
    secrets,
    ...(form.confined ? { confine: { read: paths(form.read), write: paths(form.write), network: form.network } } : {}),
  };
}

export const complete = (form: LaunchForm): boolean =>
  form.command.trim() !== "" && badVariable(form.variables) === undefined && form.secrets.every((one) => one.name.trim() !== "" && (one.kept || one.value !== ""));

/** A name for it: what stands last in its command, without what every server is called. */
export function nameOf(form: LaunchForm): string {
  const word = [...lines(form.words), form.command].find((one) => /^@?[\w./-]+$/.test(one) && !one.startsWith("-")) ?? "";
  return (word.split("/").pop() ?? "").replace(/\.\w+$/, "").replace(/^(mcp-)?server-|-?(mcp-)?server$|-mcp$/g, "");
}

export function localState(local: LocalView): { tone: Tone; text: string } {
  if (local.state === "running") return { tone: "allow", text: t("servers.running") };
  if (local.state === "stopped") return { tone: "plain", text: t("servers.stopped") };
  if (local.state === "crashed") return { tone: "ask", text: t("servers.crashed") };
  if (local.state === "given_up") return { tone: "deny", text: t("servers.given_up") };
  if (local.state === "missing") return { tone: "deny", text: t("servers.cannot_start") };
  return { tone: "ask", text: t("servers.approval_needed") };
}
