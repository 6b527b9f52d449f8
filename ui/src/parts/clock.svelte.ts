// One ticking clock for all relative times. It only words what Rust said; it decides nothing.
let now = $state(Date.now());
setInterval(() => (now = Date.now()), 1000);

export const clock = {
  get now(): number {
    return now;
  },
};
