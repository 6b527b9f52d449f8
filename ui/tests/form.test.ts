// A tool's arguments as a form.
import { expect, test } from "vitest";
import { argumentsOf, fieldsOf, wrong, type Field } from "../src/servers/form";

const definition = JSON.stringify({
  name: "send",
  inputSchema: {
    type: "object",
    properties: { note: { type: "string", title: "Note", description: "What it is for." }, amount: { type: "number" }, count: { type: "integer", default: 1 }, urgent: { type: "boolean" }, how: { enum: ["post", 2] }, to: { type: "array", items: { type: "string" } } },
    required: ["amount", "to"],
  },
});
const put = (fields: Field[] | null, values: Record<string, string>) => (fields ?? []).map((field) => ({ ...field, value: values[field.name] ?? field.value }));

test("required fields come first, defaults are filled in, and what has no simple shape is JSON", () => {
  const fields = fieldsOf(definition);
  expect(fields?.map((field) => [field.name, field.kind, field.required, field.value])).toEqual([
    ["amount", "number", true, ""],
    ["to", "json", true, ""],
    ["note", "text", false, ""],
    ["count", "integer", false, "1"],
    ["urgent", "boolean", false, ""],
    ["how", "choice", false, ""],
  ]);
  expect(fields?.[2]?.about).toBe("Note — What it is for.");
  expect(fields?.[5]?.choices).toEqual([{ value: '"post"', label: "post" }, { value: "2", label: "2" }]);
});

test("numbers stay as they were written, and what is empty is left out", () => {
  const fields = put(fieldsOf(definition), { amount: "9007199254740993.10", to: ' ["a"] ', note: 'say "hi"', count: "" });
  expect(fields.map(wrong)).toEqual([undefined, undefined, undefined, undefined, undefined, undefined]);
  expect(argumentsOf(fields)).toBe('{"amount":9007199254740993.10,"to":["a"],"note":"say \\"hi\\""}');
});

test("each kind says what is wrong with it", () => {
  const fields = put(fieldsOf(definition), { amount: "", to: "[", count: "1.5" });
  expect(fields.map(wrong)).toEqual(["missing", "json", undefined, "integer", undefined, undefined]);
  expect(put(fieldsOf(definition), { amount: "1e" }).map(wrong)[0]).toBe("number");
});

test("without a schema there is no form", () => {
  expect(fieldsOf("{")).toBeNull();
  expect(fieldsOf("{}")).toBeNull();
  expect(fieldsOf('{"inputSchema":{"type":"object"}}')).toEqual([]);
});
