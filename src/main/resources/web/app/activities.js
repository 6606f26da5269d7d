import { html } from '../lit/lit-element.js';
import { style } from './style.js';
import { Page } from './page.js';
import { api } from './api.js';
import { moment, distance, cut } from './words.js';
import './problem.js';

/** Activities: kinds with what waits and who claims, and those of the chosen kind. */
export class ActivitiesPage extends Page {
  static properties = { query: { attribute: false }, kinds: { state: true }, activities: { state: true } };

  static styles = [style];

  get kind() {
    return this.query?.get('kind') ?? '';
  }

  willUpdate(changed) {
    if (changed.has('query')) {
      this.activities = null;
      this.poll.now();
    }
  }

  async ask() {
    const { kind } = this;
    const [{ kinds }, { activities }] = await Promise.all([api.kinds(), api.activities({ kind, after: this.query?.get('after') })]);
    return kind === this.kind ? { kinds, activities } : { kinds };
  }

  link(kind) {
    return `#/activities${kind ? `?${new URLSearchParams({ kind })}` : ''}`;
  }

  rows() {
    const last = this.activities[this.activities.length - 1];
    return html`
      <section class="box scroll" aria-label="Activities">
        <h2>${this.kind ? html`<span class="chip">${this.kind} <button aria-label="All kinds" @click=${() => { location.hash = this.link(''); }}>×</button></span>` : 'The oldest'}</h2>
        <table class="cards">
          <thead><tr><th>Kind</th><th>State</th><th class="wide">Claim</th><th class="wide">Progress</th><th class="wide">Payload</th><th>Workflow</th></tr></thead>
          <tbody>${this.activities.map((each) => html`
            <tr>
              <td>${each.kind}</td>
              <td><span class="mark ${each.status === 'claimed' ? 'running' : 'pending'}">${each.status === 'claimed' ? '▶ claimed' : '○ waiting'}</span>
                ${each.claimed_by ? html`by ${each.claimed_by}, until <span title=${each.lease_until}>${moment(each.lease_until)}</span>`
                  : html`<span class="quiet" title=${each.created_at}>${distance(each.created_at)}</span>`}
                ${each.problem ? html`<div class="failed">${each.problem}</div>` : ''}</td>
              <td class="wide number">${each.attempt} of ${each.max_attempts}</td>
              <td class="wide mono">${cut(each.progress ?? '', 120)}</td>
              <td class="wide mono">${cut(each.payload ?? '', 200)}</td>
              <td>${each.instance ? html`<a href="#/instances/${each.instance}">${each.instance}</a>` : html`<span class="quiet">of another role</span>`}</td>
            </tr>`)}
          </tbody>
        </table>
        ${this.activities.length ? '' : html`<p class="quiet">None waits, and none is claimed.</p>`}
        ${this.activities.length >= 50 ? html`<p><a href="#/activities?${new URLSearchParams({ ...(this.kind && { kind: this.kind }), after: last.id })}">More</a></p>` : ''}
      </section>`;
  }

  render() {
    if (!this.kinds) return html`<pd-problem .error=${this.error}></pd-problem>`;
    return html`
      <h1>Activities</h1>
      <pd-problem .error=${this.error}></pd-problem>
      <section class="box scroll" aria-label="Kinds">
        <table class="cards">
          <thead><tr><th>Kind</th><th>Wait</th><th>Claimed</th><th class="wide">Oldest waits since</th><th>Completed in a minute</th><th>Failed in a minute</th></tr></thead>
          <tbody>${this.kinds.map((kind) => html`
            <tr aria-selected=${kind.kind === this.kind}>
              <td><a href=${this.link(kind.kind)}>${kind.kind}</a>${kind.problem ? html` <span class="failed">${kind.problem}</span>` : ''}</td>
              <td class="number" data-of="wait">${kind.waiting}</td><td class="number" data-of="claimed">${kind.claimed}</td>
              <td class="wide" title=${kind.oldest ?? ''}>${kind.oldest ? html`${moment(kind.oldest)}, ${distance(kind.oldest)}` : ''}</td>
              <td class="number" data-of="completed in a minute">${kind.completed}</td>
              <td class="number ${kind.failed ? 'failed' : ''}" data-of="failed in a minute">${kind.failed}</td>
            </tr>`)}
          </tbody>
        </table>
        ${this.kinds.length ? '' : html`<p class="quiet">None. <code>df.activity</code> is a step that a program of yours does.</p>`}
      </section>
      ${this.activities ? this.rows() : ''}`;
  }
}
customElements.define('pd-activities', ActivitiesPage);
