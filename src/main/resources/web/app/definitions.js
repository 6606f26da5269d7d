import { html, css } from '../lit/lit-element.js';
import { style } from './style.js';
import { Page } from './page.js';
import { api } from './api.js';
import { moment } from './words.js';
import './graph.js';
import './problem.js';

/** Named workflows: the versions of the chosen one, drawn. */
export class DefinitionsPage extends Page {
  static pause = 15_000;

  static properties = { query: { attribute: false }, definitions: { state: true }, versions: { state: true } };

  static styles = [style, css`.two { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); gap: 1rem; align-items: start; }
    @media (max-width: 900px) { .two { grid-template-columns: minmax(0, 1fr); } }`];

  get name() {
    return this.query?.get('name') ?? '';
  }

  willUpdate(changed) {
    if (changed.has('query')) {
      this.versions = null;
      this.poll.now();
    }
  }

  async ask() {
    const { name } = this;
    const { definitions } = await api.definitions();
    const versions = name ? (await api.definition(name)).versions : null;
    return name === this.name ? { definitions, versions } : { definitions };
  }

  params(params) {
    if (!params) return html`<span class="quiet">any</span>`;
    return Object.entries(params).map(([name, each]) => html`<div><span class="mono">${name}</span> ${each.type ?? 'text'}
      <span class="quiet">${each.required ? 'required' : each.default === undefined ? '' : `= ${JSON.stringify(each.default)}`} ${each.description ?? ''}</span></div>`);
  }

  render() {
    if (!this.definitions) return html`<pd-problem .error=${this.error}></pd-problem>`;
    return html`
      <h1>Definitions</h1>
      <pd-problem .error=${this.error}></pd-problem>
      <div class="box scroll">
        <table class="cards">
          <thead><tr><th>Name</th><th>Version</th><th class="wide">Parameters</th><th class="wide">Comment</th><th></th></tr></thead>
          <tbody>${this.definitions.map((definition) => html`
            <tr aria-selected=${definition.name === this.name}>
              <td><a href="#/definitions?name=${encodeURIComponent(definition.name)}">${definition.name}</a></td>
              <td class="number">${definition.version} <span class="quiet" title=${definition.created_at}>${moment(definition.created_at)}</span></td>
              <td class="wide">${this.params(definition.params)}</td><td class="wide">${definition.comment ?? ''}</td>
              <td>${this.readOnly ? '' : html`<a href="#/start?definition=${encodeURIComponent(definition.name)}">Start…</a>`}</td>
            </tr>`)}
          </tbody>
        </table>
        ${this.definitions.length ? '' : html`<p class="quiet">None. <code>df.define</code> makes one.</p>`}
      </div>
      ${this.versions?.map((version) => html`<section class="box">
        <h2>${this.name}, version ${version.version} <span class="quiet">${moment(version.created_at)} ${version.comment ?? ''}</span></h2>
        <div class="two">
          <pd-graph .nodes=${version.nodes ?? []} .root=${version.nodes?.[0]?.id ?? ''}></pd-graph>
          <pre>${version.text}</pre>
        </div>
      </section>`) ?? ''}`;
  }
}
customElements.define('pd-definitions', DefinitionsPage);
