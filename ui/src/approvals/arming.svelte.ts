// Buttons that answer arm after a moment in which the person can see what they answer, and again after every change.
const MOMENT = 400;

export class Arming {
  armed = $state(false);
  /** Counts the starts, so that what shows the arming starts again too. */
  turn = $state(0);
  #timer: ReturnType<typeof setTimeout> | undefined;

  again = (): void => {
    clearTimeout(this.#timer);
    this.armed = false;
    this.turn++;
    this.#timer = setTimeout(() => (this.armed = !document.hidden), MOMENT);
  };

  stop = (): void => clearTimeout(this.#timer);
}
