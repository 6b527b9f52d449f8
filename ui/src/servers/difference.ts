// Which lines of two definitions differ: longest common subsequence over lines, which is plenty for a tool's size.
export interface Line {
  text: string;
  is: "same" | "old" | "new";
}

const MOST = 1500;

export function pretty(json: string): string {
  try {
    return JSON.stringify(JSON.parse(json), null, 2);
  } catch {
    return json;
  }
}

export function difference(before: string, after: string): Line[] {
  const old = before.split("\n");
  const fresh = after.split("\n");
  if (old.length > MOST || fresh.length > MOST) {
    return [...old.map((text): Line => ({ text, is: "old" })), ...fresh.map((text): Line => ({ text, is: "new" }))];
  }
  const width = fresh.length + 1;
  const common = new Uint16Array((old.length + 1) * width);
  const at = (row: number, column: number): number => common[row * width + column] ?? 0;
  for (let row = old.length - 1; row >= 0; row--) {
    for (let column = fresh.length - 1; column >= 0; column--) {
      common[row * width + column] = old[row] === fresh[column] ? at(row + 1, column + 1) + 1 : Math.max(at(row + 1, column), at(row, column + 1));
    }
  }
  return walk(old, fresh, at);
}

function walk(old: string[], fresh: string[], at: (row: number, column: number) => number): Line[] {
  const lines: Line[] = [];
  let [row, column] = [0, 0];
  while (row < old.length || column < fresh.length) {
    if (row < old.length && column < fresh.length && old[row] === fresh[column]) {
      lines.push({ text: old[row] ?? "", is: "same" });
      row++;
      column++;
    } else if (column >= fresh.length || (row < old.length && at(row + 1, column) >= at(row, column + 1))) {
      lines.push({ text: old[row++] ?? "", is: "old" });
    } else {
      lines.push({ text: fresh[column++] ?? "", is: "new" });
    }
  }
  return lines;
}
