import { LitElement, html, css } from '../lit/lit-element.js';
import { style } from './style.js';
import { api } from './api.js';
import { literal } from './words.js';
import './graph.js';
import './sql-text.js';
import './problem.js';

const EXAMPLE = "'SELECT 41 + 1 AS x' |=> 'a'\n~> 'SELECT $a.x + 1 AS y'";
const PAUSE = 400;

/** Starting a workflow, with its graph while it is written. */
export class StartPage extends LitElement {
  static properties = {
    readOnly: { type: Boolean }, query: { attribute: false }, definitions: { state: true }, definition: { state: true }, sql: { state: true },
    workflow: { state: true }, drawn: { state: true }, problem: { state: true }, error: { state: true }, busy: { state: true },
  };

  static styles = [style, css`
    .two { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); gap: 1rem; align-items: start; }
    textarea { width: 100%; min-height: 12rem; }
    details { margin: 0 0 .8rem; } summary { cursor: pointer; margin-bottom: .6rem; } pd-sql { margin-top: .8rem; }
    @media (max-width: 900px) { .two { grid-template-columns: minmax(0, 1fr); } }
  `];

  constructor() {
    super();
    this.workflow = EXAMPLE;
  }

  connectedCallback() {
    super.connectedCallback();
    this.explain();
    this.find();
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    clearTimeout(this.timer);
  }

  typed(event) {
    this.workflow = event.target.value;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.explain(), PAUSE);
  }

  async explain() {
    const { workflow } = this;
    if (this.readOnly || !workflow.trim()) {
      this.drawn = null;
      return;
    }
    try {
      const drawn = await api.explain(workflow);
      if (workflow === this.workflow) {
        this.drawn = drawn;
        this.problem = null;
      }
    } catch (error) {
      if (workflow === this.workflow) this.problem = error;
    }
  }

  /** The definitions that can be started, and the one that the address names. */
  async find() {
    if (this.readOnly) return;
    try {
      this.definitions = (await api.definitions()).definitions;
      this.choose(this.query?.get('definition') ?? '');
    } catch (error) {
      this.error = error;
    }
  }

  choose(name) {
    this.definition = this.definitions?.find((each) => each.name === name) ?? null;
    this.sql = null;
  }

  willUpdate(changed) {
    if (changed.has('query') && this.definitions) this.choose(this.query?.get('definition') ?? '');
  }

  /** What the form says, as the API takes it. */
  body(form) {
    const data = new FormData(form);
    const body = {};
    if (this.definition) {
      body.definition = this.definition.name;
      body.args = this.args(data);
    } else {
      body.workflow = this.workflow;
    }
    if (data.get('label')) body.label = data.get('label');
    const options = data.get('options') ? JSON.parse(data.get('options')) : {};
    for (const name of ['vars', 'attributes']) {
      if (data.get(name)) options[name] = JSON.parse(data.get(name));
    }
    for (const name of ['queue', 'timeout']) {
      if (data.get(name)) options[name] = data.get(name);
    }
    if (Object.keys(options).length) body.options = options;
    return body;
  }

  args(data) {
    const { params } = this.definition;
    if (!params) return JSON.parse(data.get('args') || '{}');
    const args = {};
    for (const [name, param] of Object.entries(params)) {
      const given = data.get(`arg ${name}`);
      // Nothing is the default; a text of a JSON type is the JSON that it is.
      if (given !== '' || param.required) args[name] = /^jsonb?$/.test(param.type ?? '') ? JSON.parse(given) : given;
    }
    return args;
  }

  wrong(error) {
    return error instanceof SyntaxError ? new Error(`What is to be JSON is none: ${error.message}`) : error;
  }

  async submit(event) {
    event.preventDefault();
    this.busy = true;
    this.error = null;
    try {
      const answer = await api.start(this.body(event.target));
      location.hash = `#/instances/${answer.id}`;
    } catch (error) {
      this.error = this.wrong(error);
    } finally {
      this.busy = false;
    }
  }

  showSql() {
    this.error = null;
    try {
      const body = this.body(this.renderRoot.querySelector('form'));
      const node = body.definition ? `df.call(${literal(body.definition)}, ${literal(JSON.stringify(body.args))})`
        : /^\s*(\(*\s*'|df\.)/.test(body.workflow) ? body.workflow.trim() : literal(body.workflow);
      this.sql = `SELECT df.start(${node}${body.label ? `, label => ${literal(body.label)}` : ''}${
        body.options ? `, options => ${literal(JSON.stringify(body.options))}` : ''});`;
    } catch (error) {
      this.error = this.wrong(error);
    }
  }

  arguments() {
    const { params, name, version, comment } = this.definition;
    return html`
      <p><strong>${name}</strong>, version ${version} <span class="quiet">${comment ?? ''}</span></p>
      ${params ? Object.entries(params).map(([param, each]) => html`
        <label>${param}, ${each.type ?? 'text'} ${each.description ? html`<span class="quiet">${each.description}</span>` : ''}
          <input name="arg ${param}" ?required=${each.required} placeholder=${each.default === undefined ? '' : typeof each.default === 'string' ? each.default : JSON.stringify(each.default)}></label>`)
        : html`<label>Arguments, a JSON object <input class="mono" name="args" placeholder='{"order": 7}'></label>`}`;
  }

  drawing() {
    if (this.definition) return html`<p><a href="#/definitions?name=${encodeURIComponent(this.definition.name)}">${this.definition.name} as a graph</a></p>`;
    return html`
      <pd-problem .error=${this.problem}></pd-problem>
      ${this.drawn && !this.problem ? html`
        ${this.drawn.nodes.length ? html`<pd-graph .nodes=${this.drawn.nodes} .root=${this.drawn.nodes[0].id}></pd-graph>` : ''}
        <pre>${this.drawn.text}</pre>` : ''}`;
  }

  render() {
    if (this.readOnly) return html`<p>Nothing can be started here.</p>`;
    return html`
      <h1>Start</h1>
      <div class="two">
        <form class="box" @submit=${this.submit}>
          ${this.definitions?.length ? html`<label>What
            <select name="what" @change=${(event) => this.choose(event.target.value)}>
              <option value="" ?selected=${!this.definition}>a workflow that is written here</option>
              ${this.definitions.map((each) => html`<option value=${each.name} ?selected=${each === this.definition}>${each.name}</option>`)}
            </select></label>` : ''}
          ${this.definition ? this.arguments() : html`
            <label>Workflow: an expression, an SQL statement, or the text of a node
              <textarea class="mono" name="workflow" spellcheck="false" .value=${this.workflow} @input=${this.typed}></textarea></label>`}
          <label>Label <input name="label"></label>
          <details>
            <summary>Options</summary>
            <label>Variables, a JSON object <input class="mono" name="vars" placeholder='{"name": "value"}'></label>
            <label>Attributes, a JSON object <input class="mono" name="attributes" placeholder='{"customer": 7}'></label>
            <label>Queue <input name="queue"></label>
            <label>Time limit <input name="timeout" placeholder="2 hours"></label>
            <label>Further options of df.start, a JSON object <input class="mono" name="options" placeholder='{"priority": 5, "delay": "10 minutes"}'></label>
          </details>
          <pd-problem .error=${this.error}></pd-problem>
          <div class="row">
            <button class="main" ?disabled=${this.busy || !this.definition && !this.workflow.trim()}>Start</button>
            <button type="button" data-action="sql" @click=${this.showSql}>As SQL</button>
          </div>
          <pd-sql .text=${this.sql}></pd-sql>
        </form>
        <section class="box" aria-live="polite">${this.drawing()}</section>
      </div>`;
  }
}
customElements.define('pd-start', StartPage);
