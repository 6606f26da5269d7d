import { isLive } from './live.js';

/**
 * Asks again and again while a page is looked at: the longer answers take, the longer the pause, so that an open page costs the server
 * next to nothing. What took long only once does not count, such as the first answer, for which a session is opened. While the page is told
 * what changes, it asks when something has, and otherwise seldom; some answers in succession may have their pauses later. Goes on by itself
 * when worker or database were away.
 */
const SHARE = 100;
const FIRST = 50;
const AT_ONCE = 20_000;
const LONGEST = 60_000;
const AWAY = 2_000;
const SOON = 300;

export class Poll {
  /**
   * `load` answers a promise; of what it answers a number is the shortest pause until the next time, in place of `pause`. `told` is the pause
   * while changes are told; `pause` for what no stream tells.
   */
  constructor(load, pause, told = pause) {
    this.load = load;
    this.pause = pause;
    this.told = told;
    this.took = FIRST;
    this.paid = 0;
    this.seen = () => { if (!document.hidden) this.now(); };
    this.changed = () => this.soon();
  }

  start() {
    this.running = true;
    document.addEventListener('visibilitychange', this.seen);
    addEventListener('pd-changed', this.changed);
    addEventListener('pd-live', this.changed);
    this.now();
  }

  stop() {
    this.running = false;
    clearTimeout(this.timer);
    document.removeEventListener('visibilitychange', this.seen);
    removeEventListener('pd-changed', this.changed);
    removeEventListener('pd-live', this.changed);
  }

  /** Asks as soon as it may, when something has changed. */
  soon() {
    if (this.busy) this.stale = true;
    else this.after(this.wait());
  }

  /** How long a page that is told of something waits: it may owe some of its pauses. */
  wait() {
    return Math.max(SOON, this.paid - AT_ONCE - performance.now());
  }

  after(pause) {
    clearTimeout(this.timer);
    if (this.running && !document.hidden) this.timer = setTimeout(() => this.now(), pause);
  }

  /** Asks at once; when it does so already, once more after that. */
  async now() {
    clearTimeout(this.timer);
    if (!this.running) return;
    this.again = this.busy;
    if (this.busy) return;
    this.busy = true;
    this.stale = false;
    const began = performance.now();
    let pause = isLive() ? this.told : this.pause;
    let share = 0;
    try {
      const wanted = await this.load();
      if (wanted > 0) pause = wanted;
      const took = performance.now() - began;
      share = Math.min(LONGEST, SHARE * Math.min(took, this.took));
      this.took = took;
      pause = Math.max(pause, share);
    } catch (error) {
      if (error.away) pause = AWAY;
    } finally {
      this.busy = false;
    }
    const now = performance.now();
    this.paid = Math.min(Math.max(this.paid, now) + share, now + LONGEST);
    if (this.stale) pause = this.wait();
    this.after(this.again ? 0 : pause);
  }
}
