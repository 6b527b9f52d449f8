// What a new guardrail begins with, in the language Cedar.
import { t } from "../lang/messages.svelte";

export const begun = (): string => `@approval(${JSON.stringify(t("guardrails.why_you_want_to_be"))})\nforbid (principal, action == Action::"", resource)\nwhen { context.arguments. };\n`;
