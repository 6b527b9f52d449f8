// What was chosen in the palette lately, the newest first. Kept while the window lives, and nowhere else: what somebody
// looked for is nobody's business later.
const MOST = 8;
let ids = $state.raw<readonly string[]>([]);

export const recent = {
  get ids(): readonly string[] {
    return ids;
  },
  used(id: string): void {
    ids = [id, ...ids.filter((one) => one !== id)].slice(0, MOST);
  },
};
