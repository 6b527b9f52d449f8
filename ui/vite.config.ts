import { fileURLToPath } from "node:url";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";
import { messages } from "./build/messages.ts";

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));

// In the modes "preview" and "test" the one door to the Host is replaced by recorded answers, so that screens can be looked at,
// and tried, without one. The program is never built so.
export default defineConfig(({ mode }) => ({
  root: at("."),
  base: "./",
  plugins: [svelte(), messages(at("src/lang"))],
  clearScreen: false,
  resolve: {
    ...(mode === "test" ? { conditions: ["browser"] } : {}),
    alias: [
      ...(mode === "preview" || mode === "test" ? [{ find: /^\.\/bridge$/, replacement: at("preview/bridge.ts") }] : []),
      // The catalogues are parsed by the build.
      ...(mode === "test" ? [] : [{ find: /^@formatjs\/icu-messageformat-parser$/, replacement: "@formatjs/icu-messageformat-parser/no-parser.js" }]),
    ],
  },
  build: {
    target: "safari16",
    // The design page shows both themes at once, which needs light-dark() as it is written.
    ...(mode === "preview" ? { cssTarget: "safari18" } : {}),
    outDir: at(mode === "preview" ? "preview/dist" : "dist"),
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: { input: { main: at("index.html"), approval: at("approval.html"), ...(mode === "preview" ? { design: at("design.html") } : {}) } },
  },
  test: { environment: "happy-dom", include: ["tests/*.test.ts"] },
  server: { port: 1420, strictPort: true },
}));
