import { LitElement, html, css } from '../lit/lit-element.js';
import { style } from './style.js';
import { api } from './api.js';
import { mark, moment, span, cut, local } from './words.js';
import { inOrder } from './layout.js';
import { Poll } from './poll.js';
import './graph.js';
import './timeline.js';
import './sql-text.js';
import './node-panel.js';
import './problem.js';

const REFRESH = 1500;
/** While changes are told: a place in a queue is not among them. */
const REFRESH_TOLD = 10_000;
/** What has ended can be redriven elsewhere. */
const REFRESH_ENDED = 15_000;
const ENDED = ['completed', 'failed', 'cancelled'];

/** What a node does while it runs, in front of its name. */
const DOES = {
  SLEEP: 'waits in', WAIT_SCHEDULE: 'waits in', WAIT_CONDITION: 'waits in', WAIT_EVENT: 'waits for', SIGNAL: 'waits for', CALL: 'waits for', ACTIVITY: 'waits for', APPROVAL: 'waits for',
  RETRY: 'waits in', LOOP: 'waits in', MAP: 'works on', HTTP: 'sends', HTTP_MULTIPART: 'sends',
};

/** One instance: what it does now, its graph or a table of its nodes, the chosen node, and what can be done. */
export class InstancePage extends LitElement {
  static properties = {
    instanceId: {}, readOnly: { type: Boolean }, instance: { state: true }, chosen: { state: true }, view: { state: true },
    error: { state: true }, failed: { state: true }, action: { state: true }, busy: { state: true },
    sql: { state: true },
  };

  static styles = [style, css`
    .two { display: grid; grid-template-columns: minmax(0, 3fr) minmax(0, 2fr); gap: 1rem; align-items: start; }
    .now { font-size: 1.05rem; }
    td.note { color: var(--quiet); }
    tr { cursor: pointer; }
    dialog { color: var(--text); background: var(--box); border: 1px solid var(--line); border-radius: 8px; width: min(40rem, 94vw); }
    dialog textarea { width: 100%; }
    .actions { margin: 0 0 .6rem auto; }
    @media (max-width: 900px) {
      .two { grid-template-columns: minmax(0, 1fr); }
      .actions { margin-left: 0; }
    }
    @media (max-width: 640px) { .actions { flex-basis: 100%; } }
  `];

  constructor() {
    super();
    this.view = 'graph';
    this.poll = new Poll(() => this.load(), REFRESH, REFRESH_TOLD);
  }

  connectedCallback() {
    super.connectedCallback();
    this.poll.start();
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.poll.stop();
  }

  willUpdate(changed) {
    if (changed.has('instanceId')) {
      this.instance = null;
      this.chosen = null;
      this.picked = false;
      this.action = null;
      this.failed = null;
      this.sql = null;
      this.poll.now();
    }
  }

  async load() {
    const id = this.instanceId;
    try {
      const instance = await api.instance(id);
      if (id !== this.instanceId) return 0;
      this.instance = instance;
      this.error = null;
      // Until somebody chooses: on a failure the node that failed, else what runs.
      if (!this.chosen || !(this.picked || this.action)) this.chosen = instance.failed_at ?? this.running()[0]?.id ?? instance.root;
      return ENDED.includes(instance.status) ? REFRESH_ENDED : 0;
    } catch (error) {
      if (id === this.instanceId) this.error = error;
      throw error;
    }
  }

  choose(id) {
    this.picked = true;
    this.chosen = id;
  }

  /** What is executed or waited for, and has nothing below it that is: a RETRY between two attempts, too. */
  running() {
    const { nodes, root } = this.instance;
    const active = (node) => node?.mark === 'running' || node?.mark === 'compensating';
    const byId = new Map(nodes.map((node) => [node.id, node]));
    return inOrder(nodes, root).filter((node) => active(node)
      && ![node.left, node.right, node.condition, ...(node.extra ?? [])].some((id) => active(byId.get(id))));
  }

  /** One line: what it does and why it waits. */
  now() {
    const { instance } = this;
    if (ENDED.includes(instance.status)) {
      const took = span(instance.created_at, instance.ended_at);
      return took ? `after ${took}` : '';
    }
    if (instance.set_aside) return `no worker works on it since ${moment(instance.set_aside.since)}: ${instance.set_aside.reason}`;
    if (instance.held) return `waits ${local(instance.held)}`;
    const leaves = this.running();
    if (!leaves.length) return 'waits to be taken up';
    const first = leaves[0];
    const more = leaves.length > 1 ? `, and ${leaves.length - 1} more` : '';
    const last = first.error ? `; the last attempt: ${cut(first.error, 120)}` : '';
    return `${DOES[first.type] ?? 'executes'} ${cut(first.display, 70)}${first.note ? `: ${local(first.note)}` : ''}${last}${more}`;
  }

  async showSql() {
    if (this.sql) {
      this.sql = null;
      return;
    }
    try {
      this.sql = (await api.sql(this.instanceId)).sql;
    } catch (error) {
      this.failed = error;
    }
  }

  async act(action, body) {
    this.busy = true;
    this.failed = null;
    try {
      const answer = await api.act(this.instanceId, action, body);
      this.action = null;
      this.picked = false;
      if (action === 'fork') location.hash = `#/instances/${answer.id}`;
    } catch (error) {
      this.failed = error;
    } finally {
      this.busy = false;
      this.poll.now();
    }
  }

  submit(event) {
    event.preventDefault();
    const data = new FormData(event.target);
    try {
      if (this.action === 'signal') {
        this.act('signal', { name: data.get('name'), data: JSON.parse(data.get('data') || '{}') });
      } else if (this.action === 'fork') {
        const body = { from_node: this.chosen };
        const text = data.get('text');
        const node = this.node();
        if (text && text !== this.node().query) {
          body.replace = { [node.id]: node.type === 'SQL' && node.name
            ? JSON.stringify({ node_type: 'SQL', query: text, result_name: node.name }) : text };
        }
        this.act('fork', body);
      } else {
        this.act('cancel', { reason: data.get('reason') || undefined });
      }
    } catch {
      this.failed = new Error('The data is no JSON');
    }
  }

  node() {
    return this.instance?.nodes.find((node) => node.id === this.chosen);
  }

  form() {
    if (!this.action) return '';
    const node = this.node();
    const fields = {
      signal: html`
        <label>Name <input name="name" required .value=${this.waitsFor()}></label>
        <label>Data, JSON <textarea name="data" rows="3">{}</textarea></label>`,
      cancel: html`<label>Reason <input name="reason"></label>`,
      fork: html`
        <p class="quiet">A new instance keeps what had completed before ${node?.display ?? 'the chosen node'} and goes on from there.</p>
        ${node && !node.left ? html`<label>Statement <textarea name="text" rows="5" .value=${node.query ?? ''}></textarea></label>` : ''}`,
    };
    return html`
      <form class="box" @submit=${this.submit} aria-label=${this.action}>
        <h2>${{ signal: 'Signal', cancel: 'Cancel', fork: 'Fork' }[this.action]}</h2>
        ${fields[this.action]}
        <div class="row">
          <button class="main" ?disabled=${this.busy}>${{ signal: 'Send', cancel: 'Cancel the instance', fork: 'Start the fork' }[this.action]}</button>
          <button type="button" @click=${() => { this.action = null; this.failed = null; }}>Back</button>
        </div>
      </form>`;
  }

  waitsFor() {
    const waits = this.instance?.nodes.find((node) => node.type === 'SIGNAL' && node.mark === 'running');
    try {
      return waits ? JSON.parse(waits.query).signal_name : '';
    } catch {
      return '';
    }
  }

  actions() {
    const { status } = this.instance;
    const button = (name, text, does) => html`<button data-action=${name} ?disabled=${this.busy} @click=${does}>${text}</button>`;
    const open = (action) => () => { this.action = action; this.failed = null; };
    const sql = button('sql', 'As SQL', () => this.showSql());
    if (this.readOnly) return html`<div class="row actions">${sql}</div>`;
    return html`<div class="row actions">
      ${ENDED.includes(status) ? button('fork', 'Fork…', open('fork')) : [button('signal', 'Signal…', open('signal')), button('cancel', 'Cancel…', open('cancel'))]}
      ${['failed', 'cancelled'].includes(status) ? button('redrive', 'Redrive', () => this.act('redrive', {})) : ''}
      ${sql}
    </div>`;
  }

  table() {
    return html`
      <div class="scroll">
        <table>
          <thead><tr><th>Status</th><th>Node</th><th class="wide">Attempt</th><th class="wide">Started</th><th>Note or error</th></tr></thead>
          <tbody>${inOrder(this.instance.nodes, this.instance.root).map((node) => html`
            <tr aria-selected=${node.id === this.chosen} tabindex="0" @click=${() => this.choose(node.id)}
              @keydown=${(event) => event.key === 'Enter' && this.choose(node.id)}>
              <td class="mark ${node.mark}">${mark(node.mark)}</td>
              <td class="mono">${node.display}</td>
              <td class="wide">${node.attempt || ''}</td>
              <td class="wide" title=${node.started_at ?? ''}>${moment(node.started_at)}</td>
              <td class="note">${node.error ?? local(node.note)}</td>
            </tr>`)}
          </tbody>
        </table>
      </div>`;
  }

  render() {
    const { instance } = this;
    if (!instance) return html`<pd-problem .error=${this.error}></pd-problem>`;
    const tab = (view, text) => html`<button role="tab" aria-selected=${this.view === view} @click=${() => { this.view = view; }}>${text}</button>`;
    return html`
      <p><a href="#/instances">Instances</a> / <span class="mono">${instance.id}</span></p>
      <pd-problem .error=${this.error}></pd-problem>
      <div class="row">
        <div class="grow">
          <h1>${instance.label ?? instance.id}</h1>
          <p class="now"><span class="mark ${instance.status}" id="status">${mark(instance.status)}</span>
            ${instance.set_aside ? html`<span class="mark failed" id="set-aside">! set aside</span>` : ''} ${this.now()}</p>
          <p class="quiet">Created <span title=${instance.created_at}>${moment(instance.created_at)}</span> by ${instance.submitted_by}${
            instance.executions > 1 ? `, execution ${instance.executions}` : ''}${
            instance.forked_from ? html`, a fork of <a class="mono" href="#/instances/${instance.forked_from}">${instance.forked_from}</a>` : ''}${
            instance.parent ? html`, called by <a class="mono" href="#/instances/${instance.parent}">${instance.parent}</a>` : ''}${
            instance.queue ? html`, in queue <a href="#/instances?${new URLSearchParams({ queue: instance.queue })}">${instance.queue}</a>` : ''}</p>
          ${instance.attributes ? html`<p class="quiet mono">${cut(JSON.stringify(instance.attributes), 300)}</p>` : ''}
        </div>
        ${this.actions()}
      </div>
      <pd-problem .error=${this.failed}></pd-problem>
      ${this.form()}
      ${this.sql ? html`<section class="box" aria-label="As SQL"><h2>Starts another one like it</h2><pd-sql .text=${this.sql}></pd-sql></section>` : ''}
      ${instance.status === 'failed' || instance.status === 'cancelled' ? html`<p class="error">${instance.output}</p>` : ''}
      <div class="two">
        <section class="box">
          <div class="row" role="tablist">${tab('graph', 'Graph')}${tab('timeline', 'Timeline')}${tab('table', 'Table')}</div>
          ${this.view === 'timeline' ? html`
            <pd-timeline .instance=${instance} .chosen=${this.chosen} @choose=${(event) => this.choose(event.detail)}></pd-timeline>`
            : this.view === 'graph' ? html`
            <pd-graph .nodes=${instance.nodes} .root=${instance.root} .chosen=${this.chosen} @choose=${(event) => this.choose(event.detail)}></pd-graph>`
            : this.table()}
        </section>
        <section class="box" aria-live="polite">
          <pd-node .instance=${instance.id} .node=${this.node()}></pd-node>
        </section>
      </div>`;
  }
}
customElements.define('pd-instance', InstancePage);
