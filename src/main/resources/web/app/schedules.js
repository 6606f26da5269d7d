import { html, css } from '../lit/lit-element.js';
import { style } from './style.js';
import { Page } from './page.js';
import { api } from './api.js';
import { mark, moment, distance } from './words.js';
import './problem.js';

/** Schedules with their next and last runs; of the chosen one what became of its times. */
export class SchedulesPage extends Page {
  static properties = { query: { attribute: false }, schedules: { state: true }, runs: { state: true }, form: { state: true } };

  static styles = [style, css`
    td .row { gap: .3rem; }
    form .row label { flex: 1 1 12rem; }
  `];

  get name() {
    return this.query?.get('name') ?? '';
  }

  willUpdate(changed) {
    if (changed.has('query')) {
      this.runs = null;
      this.form = null;
      this.poll.now();
    }
  }

  async ask() {
    const { name } = this;
    const { schedules } = await api.schedules();
    const runs = name ? (await api.runs(name)).runs : null;
    return name === this.name ? { schedules, runs } : { schedules };
  }

  async trigger(name) {
    const answer = await this.act(() => api.schedule(name, 'trigger'));
    if (answer?.id) location.hash = `#/instances/${answer.id}`;
  }

  submit(event) {
    event.preventDefault();
    const data = new FormData(event.target);
    const { name, action } = this.form;
    const body = action === 'pause' ? { reason: data.get('reason') || undefined }
      : { from: new Date(data.get('begin')).toISOString(), to: new Date(data.get('end')).toISOString() };
    this.act(async () => {
      await api.schedule(name, action, body);
      this.form = null;
    });
  }

  dialog() {
    if (!this.form) return '';
    const { name, action } = this.form;
    return html`
      <form class="box" @submit=${this.submit} aria-label=${action}>
        <h2>${action === 'pause' ? 'Pause' : 'Backfill'} ${name}</h2>
        ${action === 'pause' ? html`<label>Reason <input name="reason"></label>` : html`
          <p class="quiet">Starts a run for each planned time of this span that has none.</p>
          <div class="row"><label>From <input type="datetime-local" name="begin" required></label>
            <label>Before <input type="datetime-local" name="end" required></label></div>`}
        <div class="row"><button class="main" ?disabled=${this.busy}>${action === 'pause' ? 'Pause' : 'Start them'}</button>
          <button type="button" @click=${() => { this.form = null; }}>Back</button></div>
      </form>`;
  }

  buttons(schedule) {
    if (this.readOnly || !schedule.mine) return '';
    const { name } = schedule;
    const button = (action, text, does) => html`<button class="small" data-action=${action} ?disabled=${this.busy} @click=${does}>${text}</button>`;
    return html`<div class="row">
      ${schedule.paused ? button('resume', 'Resume', () => this.act(() => api.schedule(name, 'resume')))
        : button('pause', 'Pause…', () => { this.form = { name, action: 'pause' }; })}
      ${button('trigger', 'Run now', () => this.trigger(name))}
      ${button('backfill', 'Backfill…', () => { this.form = { name, action: 'backfill' }; })}
    </div>`;
  }

  render() {
    if (!this.schedules) return html`<pd-problem .error=${this.error}></pd-problem>`;
    return html`
      <h1>Schedules</h1>
      <pd-problem .error=${this.error}></pd-problem>
      <pd-problem .error=${this.failed}></pd-problem>
      ${this.dialog()}
      <div class="box scroll">
        <table class="cards">
          <thead><tr><th>Schedule</th><th class="wide">When</th><th>Next</th><th>Last</th><th></th></tr></thead>
          <tbody>${this.schedules.map((schedule) => html`
            <tr aria-selected=${schedule.name === this.name}>
              <td><a href="#/schedules?name=${encodeURIComponent(schedule.name)}">${schedule.name}</a>
                ${schedule.mine ? '' : html`<span class="quiet">of ${schedule.role}</span>`}</td>
              <td class="wide"><span class="mono">${schedule.cron}</span> <span class="quiet">${schedule.timezone}</span></td>
              <td>${schedule.paused ? html`<span class="mark paused">‖ paused</span> <span class="quiet">${schedule.pause_reason ?? ''}</span>`
                : html`<span title=${schedule.next_at ?? ''}>${schedule.next_at ? `${moment(schedule.next_at)}, ${distance(schedule.next_at)}` : 'never'}</span>`}</td>
              <td>${schedule.last_outcome ? html`<span class="mark ${schedule.last_outcome}">${mark(schedule.last_outcome)}</span>
                ${schedule.last_instance_id ? html`<a class="mono" href="#/instances/${schedule.last_instance_id}">${schedule.last_instance_id}</a>` : ''}
                <span class="quiet" title=${schedule.last_planned_at}>${moment(schedule.last_planned_at)}</span>
                ${schedule.last_reason ? html`<div class="quiet">${schedule.last_reason}</div>` : ''}` : html`<span class="quiet">not yet</span>`}</td>
              <td>${this.buttons(schedule)}</td>
            </tr>`)}
          </tbody>
        </table>
        ${this.schedules.length ? '' : html`<p class="quiet">None. <code>df.create_schedule</code> makes one.</p>`}
      </div>
      ${this.runs ? html`<section class="box scroll" aria-label="Runs">
        <h2>Runs of ${this.name} <a class="quiet" href="#/instances?${new URLSearchParams({ schedule: this.name })}">as instances</a></h2>
        <table>
          <thead><tr><th>Planned</th><th>Outcome</th><th>Instance</th><th>Reason</th></tr></thead>
          <tbody>${this.runs.map((run) => html`<tr>
            <td title=${run.planned_at}>${moment(run.planned_at)}</td><td class="mark ${run.outcome}">${mark(run.outcome)}</td>
            <td>${run.instance ? html`<a class="mono" href="#/instances/${run.instance}">${run.instance}</a>
              <span class="mark ${run.status ?? ''}">${mark(run.status)}</span>` : ''}</td>
            <td>${run.reason ?? ''}</td></tr>`)}
          </tbody>
        </table>
        ${this.runs.length ? '' : html`<p class="quiet">None yet.</p>`}
      </section>` : ''}`;
  }
}
customElements.define('pd-schedules', SchedulesPage);
