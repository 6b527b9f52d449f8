/** What a name for a server or an agent may be: 1 to 32 of a-z, 0-9 and "-", starting with a letter. Made while one types. */
export function asName(text: string): string {
  return text
    .normalize("NFKD")
    .toLowerCase()
    .replace(/[\s_.]+/g, "-")
    .replace(/[^a-z0-9-]/g, "")
    .replace(/^[^a-z]+/, "")
    .slice(0, 32);
}
