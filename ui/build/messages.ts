// Makes the catalogues into modules: `virtual:messages/de` holds every text of `src/lang/de`, parsed, so that no parser is shipped.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse, TYPE, type MessageFormatElement } from "@formatjs/icu-messageformat-parser";
import type { Plugin } from "vite";

const NAME = /^\0?virtual:messages\/([a-z]{2})$/;

/** A text that needs nothing put in stays a text. */
function compiled(text: string): string | MessageFormatElement[] {
  const parsed = parse(text, { captureLocation: false });
  const [first] = parsed;
  return parsed.length === 0 ? "" : parsed.length === 1 && first?.type === TYPE.literal ? first.value : parsed;
}

export function messages(folder: string): Plugin {
  return {
    name: "prokura-messages",
    resolveId: (source) => (NAME.test(source) ? `\0${source}` : undefined),
    load(id) {
      const tongue = NAME.exec(id)?.[1];
      if (!tongue) return undefined;
      const all: Record<string, string | MessageFormatElement[]> = {};
      for (const file of readdirSync(join(folder, tongue)).sort()) {
        const path = join(folder, tongue, file);
        this.addWatchFile(path);
        for (const [key, text] of Object.entries(JSON.parse(readFileSync(path, "utf8")) as Record<string, string>)) {
          try {
            all[`${file.replace(".json", "")}.${key}`] = compiled(text);
          } catch (thrown) {
            this.error(`${path}: ${key} is no ICU message: ${String(thrown)}`);
          }
        }
      }
      return { code: `export default ${JSON.stringify(all)};`, moduleType: "js" };
    },
  };
}
