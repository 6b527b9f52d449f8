import js from "@eslint/js";
import svelte from "eslint-plugin-svelte";
import globals from "globals";
import ts from "typescript-eslint";
import svelteConfig from "./svelte.config.js";

export default ts.config(
  { ignores: ["dist", "preview/dist", "src/generated", "node_modules"] },
  js.configs.recommended,
  ...ts.configs.strict,
  ...svelte.configs.recommended,
  { languageOptions: { globals: { ...globals.browser } } },
  {
    files: ["**/*.svelte", "**/*.svelte.ts"],
    languageOptions: { parserOptions: { parser: ts.parser, extraFileExtensions: [".svelte"], svelteConfig } },
  },
  {
    rules: {
      "no-restricted-imports": ["error", { patterns: [{ group: ["@tauri-apps/*"], message: "Only src/host/bridge.ts speaks with the Shell." }] }],
      "no-console": "error",
      "svelte/no-at-html-tags": "error",
      // Addresses here are hashes; there is no router to resolve them.
      "svelte/no-navigation-without-resolve": "off",
      // Maps and sets here are made anew inside $derived, never changed afterwards.
      "svelte/prefer-svelte-reactivity": "off",
      // A named children snippet says what type of item it gets.
      "svelte/no-useless-children-snippet": "off",
    },
  },
  { files: ["src/host/bridge.ts"], rules: { "no-restricted-imports": "off" } },
);
