import { fileURLToPath } from "node:url";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));

// In mode "preview" the one door to the Host is replaced by recorded answers, so that screens can be looked at without one.
export default defineConfig(({ mode }) => ({
  root: at("."),
  base: "./",
  plugins: [svelte()],
  clearScreen: false,
  resolve: { alias: mode === "preview" ? [{ find: /^\.\/bridge$/, replacement: at("preview/bridge.ts") }] : [] },
  build: {
    target: "safari16",
    outDir: at(mode === "preview" ? "preview/dist" : "dist"),
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: { input: { main: at("index.html"), approval: at("approval.html") } },
  },
  server: { port: 1420, strictPort: true },
}));
