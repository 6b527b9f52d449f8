// A tool's arguments as a form: from its schema, as far as that is flat; everything else is written as JSON. What is
// written as a number stays as it was written.

export type Kind = "text" | "number" | "integer" | "boolean" | "choice" | "json";

export interface Field {
  name: string;
  kind: Kind;
  required: boolean;
  /** What the server says of it: a claim. */
  about: string;
  /** The choices as JSON, with what is shown of each. */
  choices: readonly { value: string; label: string }[];
  /** As it was typed; of a choice, JSON. */
  value: string;
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null && !Array.isArray(value);

function kindOf(schema: Record<string, unknown>): Kind {
  if (Array.isArray(schema["enum"])) return "choice";
  const type = schema["type"];
  if (type === "string") return "text";
  if (type === "number" || type === "integer" || type === "boolean") return type;
  return "json";
}

function fieldOf(name: string, schema: unknown, required: boolean): Field {
  const known = isRecord(schema) ? schema : {};
  const kind = kindOf(known);
  const choices = kind === "choice" ? (known["enum"] as unknown[]) : [];
  const start = known["default"];
  const value = start === undefined ? "" : kind === "text" && typeof start === "string" ? start : JSON.stringify(start);
  return {
    name,
    kind,
    required,
    about: [known["title"], known["description"]].filter((text): text is string => typeof text === "string").join(" — "),
    choices: choices.map((choice) => ({ value: JSON.stringify(choice), label: typeof choice === "string" ? choice : JSON.stringify(choice) })),
    value,
  };
}

/** The fields of a tool's definition; required ones come first. `null` where it has no schema that a form could follow. */
export function fieldsOf(definition: string): Field[] | null {
  let read: unknown;
  try {
    read = JSON.parse(definition);
  } catch {
    return null;
  }
  const schema = isRecord(read) ? read["inputSchema"] : undefined;
  if (!isRecord(schema)) return null;
  const properties = isRecord(schema["properties"]) ? schema["properties"] : {};
  const required = new Set(Array.isArray(schema["required"]) ? schema["required"] : []);
  const all = Object.entries(properties).map(([name, one]) => fieldOf(name, one, required.has(name)));
  return [...all.filter((field) => field.required), ...all.filter((field) => !field.required)];
}

const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;
const INTEGER = /^-?(0|[1-9]\d*)$/;

export type Wrong = "missing" | "number" | "integer" | "json";

/** What is wrong with a field as it stands. */
export function wrong(field: Field): Wrong | undefined {
  const value = field.value.trim();
  // A text may be empty: the server says what it makes of that.
  if (field.kind === "text") return undefined;
  if (value === "") return field.required ? "missing" : undefined;
  if (field.kind === "number" && !NUMBER.test(value)) return "number";
  if (field.kind === "integer" && !INTEGER.test(value)) return "integer";
  if (field.kind === "json") {
    try {
      JSON.parse(value);
    } catch {
      return "json";
    }
  }
  return undefined;
}

/** The arguments as JSON text. Fields that are empty and not required are left out. */
export function argumentsOf(fields: readonly Field[]): string {
  const given = fields.filter((field) => field.required || (field.kind === "text" ? field.value !== "" : field.value.trim() !== ""));
  return `{${given.map((field) => `${JSON.stringify(field.name)}:${field.kind === "text" ? JSON.stringify(field.value) : field.value.trim()}`).join(",")}}`;
}
