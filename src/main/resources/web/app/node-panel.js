import { LitElement, html, css } from '../lit/lit-element.js';
import { style } from './style.js';
import { api } from './api.js';
import { mark, moment, span, bytes, pretty, local } from './words.js';
import './problem.js';

/** All that is known of one node. */
export class NodePanel extends LitElement {
  static properties = { instance: {}, node: { attribute: false }, full: { state: true }, items: { state: true }, error: { state: true } };

  static styles = [style, css`
    dl { display: grid; grid-template-columns: auto 1fr; gap: .2rem .8rem; margin: .4rem 0; }
    dt { color: var(--quiet); } dd { margin: 0; overflow-wrap: anywhere; }
    h3 { font-size: .85rem; margin: .9rem 0 .25rem; color: var(--quiet); }
  `];

  willUpdate(changed) {
    const before = changed.get('node');
    const key = this.node ? `${this.instance} ${this.node.id} ${this.node.mark} ${this.node.updated_at} ${this.node.attempt} ${JSON.stringify(this.node.progress ?? null)}` : '';
    if (key !== this.key) {
      if (before?.id !== this.node?.id) { this.full = null; this.items = null; }
      this.key = key;
      this.load(key);
    }
  }

  async load(key) {
    if (!this.node) return;
    try {
      const full = await api.node(this.instance, this.node.id);
      const items = this.node.type === 'MAP' && full.started_at ? await api.items(this.instance, this.node.id).catch(() => null) : null;
      if (key === this.key) {
        this.full = full;
        this.items = items;
        this.error = null;
      }
    } catch (error) {
      if (key === this.key) this.error = error;
    }
  }

  text(title, value) {
    return value ? html`<h3>${title}</h3><pre>${value}</pre>` : '';
  }

  render() {
    const { node, full } = this;
    if (!node) return html`<p class="quiet">Choose a node.</p>`;
    const details = full?.details ?? {};
    const retries = node.type === 'RETRY' && full?.status === 'running';
    return html`
      <h2>${node.type}${node.name ? html` <span class="quiet">as</span> ${node.name}` : ''}</h2>
      <p><span class="mark ${node.mark}">${mark(node.mark)}</span> <span class="quiet">${local(node.note)}</span></p>
      <pd-problem .error=${this.error}></pd-problem>
      ${full?.error ? html`
        <div class="error" role="note">
          <strong>${retries ? 'The attempt before: ' : ''}${full.error}</strong>
          ${details.detail ? html`<p>${details.detail}</p>` : ''}
          ${details.hint ? html`<p>Hint: ${details.hint}</p>` : ''}
          ${details.code ? html`<p class="quiet">${/^[0-9A-Z]{5}$/.test(details.code) ? 'SQLSTATE ' : ''}${details.code}</p>` : ''}
        </div>` : ''}
      ${node.progress ? html`
        <progress max=${node.progress.total} value=${node.progress.completed + node.progress.failed} aria-label="Items that have ended"></progress>
        <p>${node.progress.completed + node.progress.failed} of ${node.progress.total} items have ended${node.progress.failed ? html`, <span class="failed">${node.progress.failed} failed</span>` : ''}.</p>` : ''}
      <dl>
        ${node.child ? html`<dt>Child</dt><dd><a class="mono" href="#/instances/${node.child}">${node.child}</a></dd>` : ''}
        <dt>Node</dt><dd class="mono">${node.id}</dd>
        ${full?.attempt ? html`<dt>Attempt</dt><dd>${full.attempt}</dd>` : ''}
        ${full?.started_at ? html`<dt>Started</dt><dd title=${full.started_at}>${moment(full.started_at)}</dd>` : ''}
        ${full?.started_at && ['completed', 'failed'].includes(full.status) ? html`<dt>Took</dt><dd>${span(full.started_at, full.updated_at)}</dd>` : ''}
        ${full?.wake_at && full.status === 'running' ? html`<dt>Due</dt><dd title=${full.wake_at}>${moment(full.wake_at)}</dd>` : ''}
      </dl>
      ${this.text('As written', full?.query)}
      ${full?.executed_query && full.executed_query !== full.query ? this.text('As executed', full.executed_query) : ''}
      ${full?.params ? this.text('Parameters', JSON.stringify(full.params)) : ''}
      ${full?.result && full.status === 'completed' ? html`
        <h3>Result, ${bytes(full.result_bytes)}</h3>
        <pre>${pretty(full.result)}</pre>
        ${full.result_bytes > 262_144 ? html`<p><a href="/api/v1/instances/${this.instance}/nodes/${node.id}/result" download="result.json">Download all of it</a></p>` : ''}` : ''}
      ${this.items ? html`
        <h3>Items</h3>
        <table>
          <thead><tr><th>#</th><th>Status</th><th>Item</th><th>Result or error</th></tr></thead>
          <tbody>${this.items.items.map((item) => html`
            <tr><td>${item.ordinal}</td><td class="mark ${item.status}">${mark(item.status)}</td>
              <td class="mono">${item.item}</td><td class="mono">${item.error ?? item.result ?? ''}</td></tr>`)}
          </tbody>
        </table>
        ${this.items.next ? html`<p class="quiet">There are more.</p>` : ''}` : ''}`;
  }
}
customElements.define('pd-node', NodePanel);
