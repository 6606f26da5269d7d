import { html, css } from '../lit/lit-element.js';
import { style } from './style.js';
import { Page } from './page.js';
import { api } from './api.js';
import { moment, distance } from './words.js';
import './problem.js';

/** Who leads, who stands by, versions, sessions, settings. */
export class WorkerPage extends Page {
  static pause = 5000;

  static properties = { worker: { state: true } };

  static styles = [style, css`
    dl { display: grid; grid-template-columns: auto 1fr; gap: .3rem 1rem; margin: 0; } dt { color: var(--quiet); } dd { margin: 0; overflow-wrap: anywhere; }
  `];

  async ask() {
    return { worker: await api.worker() };
  }

  render() {
    const { worker } = this;
    if (!worker) return html`<pd-problem .error=${this.error}></pd-problem>`;
    const { cluster } = worker;
    const part = { leader: 'leads', standby: 'stands by', disconnected: 'is not connected', refused: 'refuses to work' }[worker.role] ?? worker.role;
    return html`
      <h1>Worker</h1>
      <pd-problem .error=${this.error}></pd-problem>
      <div class="boxes">
        <section class="box"><h2>All workers</h2><dl>
          <dt>Leader</dt><dd><span class="mark ${cluster.works ? 'completed' : 'failed'}">${cluster.works ? '✓ leads' : '✗ nobody leads'}</span></dd>
          <dt>Leads since</dt><dd title=${cluster.leads_since ?? ''}>${moment(cluster.leads_since)}</dd>
          <dt>Last seen</dt><dd title=${cluster.last_seen_at ?? ''}>${cluster.last_seen_at ? distance(cluster.last_seen_at) : 'never'}</dd>
          <dt>Connected</dt><dd>${cluster.workers}${cluster.workers > 1 ? `, of which ${cluster.workers - 1} stand by` : ''}</dd>
        </dl></section>
        <section class="box"><h2>The one that answers</h2><dl>
          <dt>Part</dt><dd id="part">${part}${worker.term ? `, term ${worker.term}` : ''}</dd>
          <dt>Since</dt><dd title=${worker.since}>${moment(worker.since)}</dd>
          <dt>Version</dt><dd>${worker.version}</dd>
          <dt>Schema df</dt><dd>${cluster.df_version}, of ${cluster.schema_owner}</dd>
          <dt>PostgreSQL</dt><dd>${cluster.postgresql}</dd>
          <dt>Database</dt><dd>${cluster.database}</dd>
        </dl></section>
        <section class="box scroll"><h2>Sessions on the server</h2>
          <table><thead><tr><th>Role</th><th>What for</th><th>How many</th></tr></thead>
            <tbody>${cluster.sessions.map((each) => html`<tr><td>${each.role}</td><td class="mono">${each.what}</td><td class="number">${each.count}</td></tr>`)}</tbody></table>
        </section>
        <section class="box scroll"><h2>Settings in the database</h2>
          ${Object.keys(cluster.settings).length ? html`<table><tbody>${Object.entries(cluster.settings).map(([name, value]) => html`
            <tr><td class="mono">${name}</td><td class="mono">${value}</td></tr>`)}</tbody></table>` : html`<p class="quiet">All have their defaults.</p>`}
        </section>
      </div>`;
  }
}
customElements.define('pd-worker', WorkerPage);
