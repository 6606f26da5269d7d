import { html, css } from '../lit/lit-element.js';
import { style } from './style.js';
import { Page } from './page.js';
import { api } from './api.js';
import { mark, moment, span, cut, literal } from './words.js';
import './bars.js';
import './problem.js';
import './sql-text.js';

const STATUSES = ['running', 'pending', 'failed', 'completed', 'cancelled'];
/** Filters beside status and text, with what they are called. */
const FILTERS = {
  label: 'Label', role: 'Role', definition: 'Definition', queue: 'Queue', schedule: 'Schedule', error: 'Text of the error',
  attributes: 'Attributes, JSON', started_after: 'Started after', started_before: 'Started before', ended_after: 'Ended after', ended_before: 'Ended before',
};
const FURTHER = 8;
const ENOUGH = 50;
const TIMES = /_(after|before)$/;
const MANY = { cancel: 'Cancel', signal: 'Signal', redrive: 'Redrive' };

/** The instances of the role, the newest first. The filter is in the address. */
export class InstancesPage extends Page {
  static pause = 3000;
  /** What a filter finds may be older than what is told of. */
  static told = 20_000;

  static properties = {
    query: { attribute: false }, rows: { state: true }, next: { state: true }, until: { state: true }, summary: { state: true },
    open: { state: true }, many: { state: true }, done: { state: true },
  };

  static styles = [style, css`
    .filters { margin-bottom: .6rem; }
    td.id { white-space: nowrap; }
    .fields { display: grid; grid-template-columns: repeat(auto-fill, minmax(13rem, 1fr)); gap: 0 .8rem; margin-top: .6rem; }
    td a { text-decoration: none; } td a:hover { text-decoration: underline; }
    @media (max-width: 640px) { td.id { white-space: normal; } }
  `];

  constructor() {
    super();
    this.rows = null;
    this.query = new URLSearchParams();
  }

  willUpdate(changed) {
    if (changed.has('query') && changed.get('query')?.toString() !== this.query.toString()) {
      this.more = false;
      this.many = null;
      this.done = null;
      this.rows = null;
      this.poll.now();
    }
  }

  async ask() {
    const { query } = this;
    // A reader who has scrolled further keeps the list.
    if (this.more) return {};
    let [page, summary] = await Promise.all([api.instances(Object.fromEntries(query)), this.plain() ? api.summary(60) : null]);
    const rows = page.instances;
    // What few match is looked for further back, a few answers long.
    for (let i = 0; i < FURTHER && rows.length < ENOUGH && page.next && query === this.query; i++) {
      if (!this.rows?.length) Object.assign(this, { rows: [...rows], until: page.looked_until });
      page = await api.instances({ ...Object.fromEntries(query), cursor: page.next });
      rows.push(...page.instances);
    }
    if (query !== this.query) return {};
    return { rows, next: page.next, until: page.looked_until, summary };
  }

  plain() {
    return ![...this.query.keys()].length;
  }

  async loadMore() {
    this.more = true;
    const { query } = this;
    await this.act(async () => {
      const page = await api.instances({ ...Object.fromEntries(query), cursor: this.next });
      if (query === this.query) Object.assign(this, { rows: [...this.rows, ...page.instances], next: page.next, until: page.looked_until });
    });
  }

  filter(name, value) {
    const query = new URLSearchParams(this.query);
    if (value) query.set(name, value); else query.delete(name);
    location.hash = `#/instances?${query}`;
  }

  link(name, value) {
    const query = new URLSearchParams(this.query);
    query.set(name, value);
    return `#/instances?${query}`;
  }

  /** The filter as df.find_instances takes it; null when it has a search text, which that does not know. */
  asFilter() {
    const filter = Object.fromEntries(this.query);
    if (filter.text) return null;
    if (filter.status) filter.status = filter.status.split(',');
    if (filter.attributes) filter.attributes = JSON.parse(filter.attributes);
    return filter;
  }

  async submit(event) {
    event.preventDefault();
    const data = new FormData(event.target);
    const action = this.many;
    this.done = await this.act(async () => {
      const body = { filter: this.asFilter(), most: Number(data.get('most')) };
      if (action === 'signal') Object.assign(body, { name: data.get('name'), data: JSON.parse(data.get('data') || '{}') });
      if (action === 'cancel' && data.get('reason')) body.reason = data.get('reason');
      const answer = await api.many(action, body);
      this.many = null;
      this.more = false;
      return `${answer.done} done, ${answer.skipped} skipped`;
    });
  }

  form() {
    if (!this.many) return '';
    const filter = this.asFilter();
    const call = { cancel: '', signal: ", 'name'", redrive: '' }[this.many];
    return html`
      <form class="box" @submit=${this.submit} aria-label="${this.many} all">
        <h2>${MANY[this.many]} all that match</h2>
        ${this.many === 'cancel' ? html`<label>Reason <input name="reason"></label>` : ''}
        ${this.many === 'signal' ? html`<label>Name <input name="name" required></label><label>Data, JSON <input class="mono" name="data" value="{}"></label>` : ''}
        <label>Nothing is done when more match than <input name="most" type="number" min="1" max="1000000" value="1000"></label>
        <div class="row"><button class="main" ?disabled=${this.busy}>${MANY[this.many]} them</button>
          <button type="button" @click=${() => { this.many = null; }}>Back</button></div>
        <p class="quiet">As SQL</p>
        <pd-sql .text=${`SELECT * FROM df.${this.many}_many(${literal(JSON.stringify(filter))}${call});`}></pd-sql>
      </form>`;
  }

  fields() {
    const value = (name) => {
      const given = this.query.get(name) ?? '';
      if (!TIMES.test(name) || !given) return given;
      const date = new Date(given);
      return Number.isNaN(date.valueOf()) ? '' : new Date(date - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
    };
    const change = (name) => (event) => {
      const { value: given } = event.target;
      this.filter(name, TIMES.test(name) && given ? new Date(given).toISOString() : given);
    };
    return html`<div class="fields">${Object.entries(FILTERS).map(([name, text]) => html`
      <label>${text} <input name=${name} type=${TIMES.test(name) ? 'datetime-local' : 'text'} step="1" .value=${value(name)} @change=${change(name)}></label>`)}</div>`;
  }

  render() {
    const status = this.query.get('status') ?? '';
    const chips = [...this.query].filter(([name]) => FILTERS[name]);
    let filter = null;
    try {
      filter = this.asFilter();
    } catch {
      // The server says what is wrong with the attributes.
    }
    return html`
      <h1>Instances</h1>
      ${this.plain() && this.summary ? html`<div class="box"><pd-bars .summary=${this.summary}></pd-bars></div>` : ''}
      <div class="filters" role="search">
        <div class="row">
          <input class="grow" id="search" type="search" placeholder="Label, id, attributes, output or error" aria-label="Search"
            .value=${this.query.get('text') ?? ''} @change=${(event) => this.filter('text', event.target.value)}>
          <select aria-label="Status" @change=${(event) => this.filter('status', event.target.value)}>
            <option value="" ?selected=${!status}>every status</option>
            ${[...STATUSES, ...(status && !STATUSES.includes(status) ? [status] : [])].map((each) => html`
              <option value=${each} ?selected=${each === status}>${each.replaceAll(',', ' or ')}</option>`)}
          </select>
          <button id="more-filters" aria-expanded=${this.open ? 'true' : 'false'} @click=${() => { this.open = !this.open; }}>Filters</button>
        </div>
        ${this.open ? this.fields() : ''}
        ${chips.length ? html`<p class="row">${chips.map(([name, value]) => html`<span class="chip">${FILTERS[name]}: ${TIMES.test(name) ? moment(value) : cut(value, 40)}
          <button aria-label="Without ${FILTERS[name]}" @click=${() => this.filter(name, '')}>×</button></span>`)}</p>` : ''}
        ${filter && !this.plain() && !this.readOnly ? html`<p class="row">${Object.keys(MANY).map((action) => html`
          <button class="small" data-many=${action} @click=${() => { this.many = action; this.done = null; }}>${MANY[action]} all…</button>`)}</p>` : ''}
      </div>
      <pd-problem .error=${this.error}></pd-problem>
      <pd-problem .error=${this.failed}></pd-problem>
      ${this.done ? html`<p role="status">${this.done}</p>` : ''}
      ${this.form()}
      <div class="box scroll">
        <table>
          <thead><tr><th>Status</th><th>Instance</th><th>Label</th><th class="wide">Created</th><th class="wide">Took</th><th class="wide">Output</th></tr></thead>
          <tbody>
            ${this.rows?.map((row) => html`
              <tr>
                <td><span class="mark ${row.status}">${mark(row.status)}</span></td>
                <td class="id mono"><a href="#/instances/${row.id}">${row.id}</a></td>
                <td>${row.label ? html`<a href=${this.link('label', row.label)} title="Only these">${cut(row.label, 120)}</a>` : ''}
                  ${row.attributes ? Object.entries(row.attributes).map(([name, value]) => html`
                    <a class="quiet mono" href=${this.link('attributes', JSON.stringify({ [name]: value }))}>${cut(`${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`, 40)}</a> `) : ''}</td>
                <td class="wide" title=${row.created_at}>${moment(row.created_at)}</td>
                <td class="wide number">${span(row.created_at, row.ended_at)}</td>
                <td class="wide mono">${cut(row.output ?? '', 90)}</td>
              </tr>`)}
          </tbody>
        </table>
        ${this.rows && !this.rows.length ? html`<p class="quiet">None${this.plain() ? '' : ' that match'}.</p>` : ''}
        ${this.until ? html`<p class="quiet">Looked at those back to ${moment(this.until)}.</p>` : ''}
        ${this.next ? html`<p><button @click=${this.loadMore} ?disabled=${this.busy}>${this.until ? 'Look further' : 'More'}</button></p>` : ''}
      </div>`;
  }
}
customElements.define('pd-instances', InstancesPage);
