import { LitElement, html, css } from '../lit/lit-element.js';
import { style } from './style.js';
import { api } from './api.js';
import { Poll } from './poll.js';
import { isLive } from './live.js';
import { moment } from './words.js';

/** Says since when worker or database are away, or nobody leads, or that a read replica is behind; says nothing while all is well. */
export class Away extends LitElement {
  static properties = { away: { state: true }, worker: { state: true }, note: { state: true } };

  static styles = [style, css`
    p { margin: 0; padding: .5rem 1rem; background: var(--box); border-bottom: 1px solid var(--line); border-left: 4px solid var(--waiting); }
  `];

  constructor() {
    super();
    this.told = (event) => { this.away = event.detail; };
    this.noted = (event) => { this.note = event.detail; };
    this.works = (event) => { this.worker = event.detail; };
    // Where nobody is told.
    this.poll = new Poll(async () => {
      if (isLive()) return;
      const { cluster } = await api.worker();
      this.worker = { works: cluster.works, seen: cluster.last_seen_at };
    }, 5000);
  }

  connectedCallback() {
    super.connectedCallback();
    addEventListener('pd-away', this.told);
    addEventListener('pd-worker', this.works);
    addEventListener('pd-note', this.noted);
    this.poll.start();
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    removeEventListener('pd-away', this.told);
    removeEventListener('pd-worker', this.works);
    removeEventListener('pd-note', this.noted);
    this.poll.stop();
  }

  render() {
    if (this.away) return html`<p role="status">${this.away.what} since ${moment(this.away.since)}. The page goes on by itself.</p>`;
    if (this.worker && !this.worker.works) {
      const { seen } = this.worker;
      return html`<p role="status">No worker leads${seen ? html` since ${moment(seen)}` : ''}: nothing is executed until one does.</p>`;
    }
    return this.note ? html`<p role="status" id="note">${this.note}.</p>` : html``;
  }
}
customElements.define('pd-away', Away);
