// A conversation in lines of JSON over standard input and output: one answer for each request, in order of arrival.
import { createInterface } from "node:readline";

/** Writes one line. */
export function say(value) {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

/** Answers each request `{id, op, ...}` with what `operations[op]` returns or throws; ends with standard input. */
export function serve(operations) {
  const lines = createInterface({ input: process.stdin });
  lines.on("line", async (line) => {
    const request = JSON.parse(line);
    try {
      const value = await operations[request.op](request);
      say({ id: request.id, ok: true, value: value ?? null });
    } catch (error) {
      say({
        id: request.id,
        ok: false,
        code: error?.code ?? null,
        message: String(error?.message ?? error),
        data: error?.data ?? null,
      });
    }
  });
  lines.on("close", () => process.exit(0));
}
