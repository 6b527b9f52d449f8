// What comes of a tool that the person runs, for the preview.
import type { RunView } from "../src/generated/View";
import { text } from "./data";

export const run = (args: string): RunView => ({ outcome: args.includes("fail") ? "failed" : "done", trace: "4bf92f3577b34da6a3ce929d0e0e4736", took_ms: 1840, code: null, message: [], parts: [{ kind: "text", about: "", text: text("Paid 120.00 EUR to Grace Hopper.\nReference: rent, November.\u200b") }, { kind: "image", about: "image/png, 12 KiB", text: [] }], structured: text('{\n  "paid": true,\n  "balance": 1204.55\n}'), raw: text('{\n  "jsonrpc": "2.0"\n}'), cut: false });
