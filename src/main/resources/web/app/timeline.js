import { LitElement, html, svg, css } from '../lit/lit-element.js';
import { inOrder } from './layout.js';
import { MARKS, cut, moment, span } from './words.js';

const W = 640;
const NAMES = 230;
const ROW = 22;
const MOST = 500;
const WAITS = /^(SLEEP|WAIT_.*|SIGNAL|CALL|ACTIVITY|APPROVAL)$/;
const ENDED = ['completed', 'failed', 'skipped'];

/** When each node ran: a bar from its start to its end, or to now. What waits is hollow, what works is filled. */
export class Timeline extends LitElement {
  static properties = { instance: { attribute: false }, chosen: {} };

  static styles = css`
    :host { display: block; overflow: auto; max-height: 70vh; }
    svg { display: block; width: 100%; min-width: 30rem; font: 12px system-ui, "DejaVu Sans", sans-serif; }
    text { fill: var(--text); } .when { fill: var(--quiet); font-size: 11px; }
    g { cursor: pointer; outline: none; } g:focus-visible .row, .chosen .row { stroke: var(--accent); stroke-width: 1.5; }
    .row { fill: transparent; } g:hover .row { fill: var(--page); }
    .bar { fill: var(--running); stroke: var(--running); } .completed .bar { fill: var(--completed); stroke: var(--completed); }
    .failed .bar { fill: var(--failed); stroke: var(--failed); } .skipped .bar { fill: var(--quiet); stroke: var(--quiet); }
    .waits .bar { fill-opacity: .15; }
    p { color: var(--quiet); }
  `;

  choose(node) {
    this.dispatchEvent(new CustomEvent('choose', { detail: node.id, bubbles: true, composed: true }));
  }

  render() {
    const { instance } = this;
    const all = inOrder(instance.nodes, instance.root).filter((node) => node.started_at && !(node.left && node.type === 'THEN'));
    if (!all.length) return html`<p>Nothing has begun that lasts.</p>`;
    const nodes = all.slice(0, MOST);
    const now = Date.parse(instance.ended_at ?? instance.now);
    const end = (node) => (ENDED.includes(node.mark) ? Date.parse(node.updated_at) : now);
    const from = Math.min(Date.parse(instance.started_at ?? instance.created_at), ...nodes.map((node) => Date.parse(node.started_at)));
    const to = Math.max(from + 1, ...nodes.map(end));
    const x = (time) => NAMES + (W - NAMES - 70) * (time - from) / (to - from);
    const height = ROW * nodes.length + 20;
    return html`
      ${all.length > MOST ? html`<p>${all.length - MOST} more nodes are in the table only.</p>` : ''}
      <svg viewBox="0 0 ${W} ${height}" role="group" aria-label="Timeline">
        <text class="when" x=${NAMES} y="12">${moment(new Date(from).toISOString())}</text>
        <text class="when" x=${W - 70} y="12" text-anchor="end">+ ${span(from, to)}</text>
        ${nodes.map((node, i) => svg`
          <g class=${`${node.mark ?? ''} ${WAITS.test(node.type) ? 'waits' : ''} ${node.id === this.chosen ? 'chosen' : ''}`} tabindex="0" role="button"
            @click=${() => this.choose(node)} @keydown=${(event) => event.key === 'Enter' && this.choose(node)}>
            <title>${[node.display, node.mark, node.note].filter(Boolean).join('\n')}</title>
            <rect class="row" x="1" width=${W - 2} y=${18 + i * ROW} height=${ROW - 2} rx="4"></rect>
            <text x="6" y=${33 + i * ROW}>${MARKS[node.mark] ?? ''} ${cut(node.display, 30)}</text>
            <rect class="bar" x=${x(Date.parse(node.started_at))} width=${Math.max(2, x(end(node)) - x(Date.parse(node.started_at)))} y=${22 + i * ROW} height=${ROW - 10} rx="3"></rect>
            <text class="when" x=${W - 64} y=${33 + i * ROW}>${span(node.started_at, new Date(end(node)))}</text>
          </g>`)}
      </svg>`;
  }
}
customElements.define('pd-timeline', Timeline);
