/**
 * Asks again and again while a page is looked at: the longer an answer takes, the longer the pause, so that an open page costs the server
 * next to nothing. Goes on by itself when worker or database were away.
 */
const SHARE = 50;
const LONGEST = 60_000;
const AWAY = 2_000;

export class Poll {
  /** `load` answers a promise; of what it answers a number is the shortest pause until the next time, in place of `pause`. */
  constructor(load, pause) {
    this.load = load;
    this.pause = pause;
    this.seen = () => { if (!document.hidden) this.now(); };
  }

  start() {
    this.running = true;
    document.addEventListener('visibilitychange', this.seen);
    this.now();
  }

  stop() {
    this.running = false;
    clearTimeout(this.timer);
    document.removeEventListener('visibilitychange', this.seen);
  }

  /** Asks at once; when it does so already, once more after that. */
  async now() {
    clearTimeout(this.timer);
    if (!this.running) return;
    this.again = this.busy;
    if (this.busy) return;
    this.busy = true;
    const began = performance.now();
    let pause = this.pause;
    try {
      const wanted = await this.load();
      if (wanted > 0) pause = wanted;
      pause = Math.max(pause, Math.min(LONGEST, SHARE * (performance.now() - began)));
    } catch (error) {
      if (error.away) pause = AWAY;
    } finally {
      this.busy = false;
    }
    if (this.again) pause = 0;
    clearTimeout(this.timer);
    if (this.running && !document.hidden) this.timer = setTimeout(() => this.now(), pause);
  }
}
