import { LitElement, html, svg, css } from '../lit/lit-element.js';
import { style } from './style.js';
import { moment } from './words.js';

const W = 600;
const H = 70;

/** Starts over time, with those that failed below in colour; a bar leads to its instances. */
export class Bars extends LitElement {
  static properties = { summary: { attribute: false } };

  static styles = [style, css`
    svg { display: block; width: 100%; height: 5rem; }
    .started { fill: var(--accent); opacity: .75; }
    .failed { fill: var(--failed); }
    a:hover rect, a:focus-visible rect { opacity: 1; }
    .under { display: flex; justify-content: space-between; font-size: .8rem; }
  `];

  render() {
    const { summary } = this;
    if (!summary) return html``;
    const width = W / summary.count;
    const most = Math.max(1, ...summary.bars.map((bar) => bar.started));
    const at = (back) => new Date(Date.parse(summary.until) - back * summary.bar_seconds * 1000);
    const from = at(summary.count);
    return html`
      <svg viewBox="0 0 ${W} ${H}" preserveAspectRatio="none" role="img" aria-label="${summary.started} started, ${summary.failed} failed since ${moment(from)}">
        ${summary.bars.filter((bar) => bar.back < summary.count).map((bar) => {
          const x = W - (bar.back + 1) * width;
          const h = Math.max(2, H * bar.started / most);
          const failed = bar.failed ? Math.max(2, H * bar.failed / most) : 0;
          const query = new URLSearchParams({ started_after: at(bar.back + 1).toISOString(), started_before: at(bar.back).toISOString() });
          return svg`<a href="#/instances?${query}"><title>${`${moment(at(bar.back + 1))}: ${bar.started} started, ${bar.failed} failed`}</title>
            <rect class="started" x=${x} width=${width * 0.85} y=${H - h} height=${h}></rect>
            <rect class="failed" x=${x} width=${width * 0.85} y=${H - failed} height=${failed}></rect></a>`;
        })}
      </svg>
      <div class="under quiet"><span>${moment(from)}</span><span>now</span></div>
      ${summary.looked_until ? html`<p class="quiet">Of the 10,000 latest, back to ${moment(summary.looked_until)}.</p>` : ''}`;
  }
}
customElements.define('pd-bars', Bars);
