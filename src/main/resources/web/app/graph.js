import { LitElement, html, svg, css } from '../lit/lit-element.js';
import { layout } from './layout.js';
import { MARKS, cut, local } from './words.js';

/** A graph: each node a button, what runs in colour and with its sign, what never will dim. */
export class Graph extends LitElement {
  static properties = { nodes: { attribute: false }, root: {}, chosen: {} };

  static styles = css`
    :host { display: block; overflow: auto; max-height: 70vh; }
    svg { display: block; margin: 0 auto; font: 12px system-ui, "DejaVu Sans", sans-serif; }
    text { fill: var(--text); pointer-events: none; }
    .name { font-weight: 600; }
    .note, .word { fill: var(--quiet); font-size: 11px; }
    .word { text-anchor: middle; }
    .line { stroke: var(--quiet); stroke-width: 1.5; }
    .shape { fill: var(--box); stroke: var(--line); stroke-width: 1.5; }
    .around { fill: var(--page); stroke: var(--line); stroke-dasharray: 5 3; }
    g.node { cursor: pointer; outline: none; }
    g.node:focus-visible > rect, g.chosen > rect { stroke: var(--accent); stroke-width: 3; }
    .completed > rect { stroke: var(--completed); } .completed .sign { fill: var(--completed); }
    .failed > rect { stroke: var(--failed); stroke-width: 2.5; } .failed .sign { fill: var(--failed); }
    .running > rect { stroke: var(--running); stroke-width: 2.5; } .running .sign { fill: var(--running); }
    .skipped { opacity: .45; }
    .skipped > rect { stroke-dasharray: 2 3; }
    .compensating > rect { stroke: var(--waiting); stroke-width: 2.5; } .compensating .sign { fill: var(--waiting); }
    rect.all { fill: var(--line); stroke: none; } rect.done { fill: var(--completed); stroke: none; } rect.bad { fill: var(--failed); stroke: none; }
    .sign { font-weight: 700; font-size: 14px; }
  `;

  constructor() {
    super();
    this.nodes = [];
    this.root = '';
    this.chosen = '';
  }

  choose(node) {
    this.dispatchEvent(new CustomEvent('choose', { detail: node.id, bubbles: true, composed: true }));
  }

  key(event, node) {
    if (event.key === 'Enter' || event.key === ' ') {
      event.preventDefault();
      this.choose(node);
    }
  }

  node(it) {
    const { node } = it;
    const box = it.kind === 'box';
    const longest = Math.floor((it.w - 32) / 8.2);
    const classes = `node ${node.mark ?? ''} ${node.id === this.chosen ? 'chosen' : ''}`;
    return svg`
      <g class=${classes} tabindex="0" role="button" aria-label=${`${node.display}${node.mark ? `, ${node.mark}` : ''}`}
        data-id=${node.id} @click=${() => this.choose(node)} @keydown=${(event) => this.key(event, node)}>
        <title>${[node.display, node.mark, node.note, node.error].filter(Boolean).join('\n')}</title>
        <rect class=${box ? 'around' : 'shape'} x=${it.x} y=${it.y} width=${it.w} height=${it.h} rx="8"></rect>
        <text class="sign" x=${it.x + 9} y=${it.y + 18}>${MARKS[node.mark] ?? ''}</text>
        <text class="name" x=${it.x + 26} y=${it.y + 18}>${cut(node.display, longest)}</text>
        ${node.progress ? this.progress(it) : ''}
        ${box ? '' : svg`<text class="note" x=${it.x + 10} y=${it.y + 38}>${cut(node.error ?? local(node.note), Math.floor((it.w - 16) / 5.9))}</text>`}
      </g>`;
  }

  /** How many items of a map have ended; those that failed behind them. */
  progress(it) {
    const { total, completed, failed } = it.node.progress;
    const all = it.w - 20;
    const part = (count) => (total > 0 ? all * count / total : 0);
    const y = it.y + 26;
    return svg`<g>
      <rect class="all" x=${it.x + 10} y=${y} width=${all} height="9" rx="3"></rect>
      <rect class="done" x=${it.x + 10} y=${y} width=${part(completed)} height="9" rx="3"></rect>
      <rect class="bad" x=${it.x + 10 + part(completed)} y=${y} width=${part(failed)} height="9" rx="3"></rect></g>`;
  }

  /** What is chosen is seen, however narrow the window is. */
  updated(changed) {
    if (!changed.has('chosen') && !changed.has('root')) return;
    const box = this.renderRoot.querySelector('g.chosen > rect');
    const at = (name) => Number(box?.getAttribute(name) ?? 0);
    if (!box) {
      this.scrollLeft = (this.scrollWidth - this.clientWidth) / 2;
      return;
    }
    this.scrollLeft = at('x') + at('width') / 2 - this.clientWidth / 2;
    if (at('y') + 60 > this.scrollTop + this.clientHeight || at('y') < this.scrollTop) this.scrollTop = at('y') - 40;
  }

  render() {
    const picture = layout(this.nodes, this.root);
    return html`
      ${picture.left > 0 ? html`<p>${picture.left} more nodes are in the table only.</p>` : ''}
      <svg width=${picture.w} height=${picture.h} viewBox=${`0 0 ${picture.w} ${picture.h}`} role="group" aria-label="Graph">
        ${picture.boxes.map((it) => this.node(it))}
        ${picture.lines.map((it) => svg`<line class="line" x1=${it.x} x2=${it.x} y1=${it.from} y2=${it.to}></line>`)}
        ${picture.words.map((it) => svg`<text class="word" x=${it.x} y=${it.y}>${it.text}</text>`)}
        ${picture.leaves.map((it) => this.node(it))}
      </svg>`;
  }
}
customElements.define('pd-graph', Graph);
