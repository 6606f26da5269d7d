import { html, css } from '../lit/lit-element.js';
import { style } from './style.js';
import { Page } from './page.js';
import { api } from './api.js';
import { mark, moment, distance, cut, span } from './words.js';
import './bars.js';
import './problem.js';

const HOUR = 3_600_000;

/** What a person asks first: does it work, what failed, what waits. */
export class OverviewPage extends Page {
  static pause = 5000;
  static told = 15_000;

  static properties = {
    summary: { state: true }, failures: { state: true }, open: { state: true }, worker: { state: true }, queues: { state: true },
    schedules: { state: true }, tasks: { state: true },
  };

  static styles = [style, css`
    .figures { display: flex; flex-wrap: wrap; gap: .3rem 1.6rem; margin: 0 0 .6rem; }
    .figures strong { font-size: 1.3rem; }
    li { margin: .35rem 0; overflow-wrap: anywhere; } ul { list-style: none; margin: 0; padding: 0; }
  `];

  async ask() {
    const after = new Date(Date.now() - HOUR).toISOString();
    const [summary, failures, open, worker, queues, schedules, tasks] = await Promise.all([
      api.summary(60), api.instances({ status: 'failed', ended_after: after, limit: 8 }), api.instances({ status: 'running,pending', limit: 8 }),
      api.worker(), api.queues(), api.schedules(), api.tasks()]);
    return { summary, failures, open, worker, queues: queues.queues, schedules: schedules.schedules, tasks };
  }

  rows(page, text) {
    return page.instances.length ? html`<ul>${page.instances.map((row) => html`
      <li><span class="mark ${row.status}">${mark(row.status)}</span> <a href="#/instances/${row.id}">${cut(row.label ?? row.id, 60)}</a>
        <span class="quiet" title=${row.ended_at ?? row.created_at}>${distance(row.ended_at ?? row.created_at)}</span>
        ${text(row)}</li>`)}</ul>` : html`<p class="quiet">None.</p>`;
  }

  render() {
    const { summary, worker } = this;
    if (!summary) return html`<pd-problem .error=${this.error}></pd-problem>`;
    const { cluster } = worker;
    const queues = this.queues.filter((queue) => queue.waiting || queue.running || queue.paused);
    const next = this.schedules.filter((schedule) => schedule.next_at).sort((a, b) => a.next_at.localeCompare(b.next_at)).slice(0, 6);
    const after = new Date(Date.parse(summary.now) - HOUR).toISOString();
    return html`
      <h1>Overview</h1>
      <pd-problem .error=${this.error}></pd-problem>
      <div class="boxes">
        <section class="box" aria-label="The last hour">
          <h2>The last hour</h2>
          <p class="figures">
            <span><strong>${summary.started}</strong> started</span>
            <span class=${summary.failed ? 'failed' : ''}><strong>${summary.failed}</strong> of them failed</span>
            <span><strong>${summary.unfinished}</strong> not ended</span>
            ${summary.median_seconds == null ? '' : html`<span>half within <strong>${span(new Date(0), new Date(Math.round(summary.median_seconds * 1000)))}</strong></span>`}
          </p>
          <pd-bars .summary=${summary}></pd-bars>
        </section>
        <section class="box" aria-label="Worker">
          <h2>Worker</h2>
          <p><span class="mark ${cluster.works ? 'completed' : 'failed'}" id="works">${cluster.works ? '✓ a worker leads' : '✗ no worker leads'}</span>
            ${cluster.works && cluster.leads_since ? html`since <span title=${cluster.leads_since}>${moment(cluster.leads_since)}</span>` : ''}</p>
          <p>${cluster.workers} ${cluster.workers === 1 ? 'worker is' : 'workers are'} connected${cluster.workers > 1 ? ', one of them leads' : ''}.</p>
          <p><a href="#/worker">More</a></p>
        </section>
        <section class="box" aria-label="Failed">
          <h2>Failed in the last hour</h2>
          ${this.rows(this.failures, (row) => html`<div class="quiet mono">${cut(row.output ?? '', 160)}</div>`)}
          ${this.failures.next ? html`<p><a href="#/instances?${new URLSearchParams({ status: 'failed', ended_after: after })}">More</a></p>` : ''}
        </section>
        <section class="box" aria-label="Not ended">
          <h2>Runs or waits</h2>
          ${this.rows(this.open, () => '')}
          ${this.open.next ? html`<p><a href="#/instances?status=running,pending">More</a></p>` : ''}
        </section>
        ${this.tasks.tasks.length ? html`<section class="box" aria-label="Tasks">
          <h2>Waits for you</h2>
          <ul>${this.tasks.tasks.slice(0, 6).map((task) => html`<li><a href="#/tasks">${cut(task.title, 80)}</a>
            <span class="quiet" title=${task.created_at}>${distance(task.created_at)}</span></li>`)}</ul>
          ${this.tasks.tasks.length > 6 ? html`<p><a href="#/tasks">More</a></p>` : ''}
        </section>` : ''}
        ${queues.length ? html`<section class="box" aria-label="Queues">
          <h2>Queues</h2>
          <ul>${queues.map((queue) => html`<li><a href="#/instances?${new URLSearchParams({ queue: queue.name })}">${queue.name}</a>
            ${queue.paused ? html`<span class="mark paused">‖ paused</span>` : ''}
            <span class="quiet">${queue.waiting} wait, ${queue.running} run${queue.oldest_waiting ? `, the oldest since ${moment(queue.oldest_waiting)}` : ''}</span></li>`)}</ul>
        </section>` : ''}
        ${next.length ? html`<section class="box" aria-label="Schedules">
          <h2>Next planned</h2>
          <ul>${next.map((schedule) => html`<li><a href="#/schedules?name=${encodeURIComponent(schedule.name)}">${schedule.name}</a>
            <span class="quiet" title=${schedule.next_at}>${moment(schedule.next_at)}, ${distance(schedule.next_at)}</span></li>`)}</ul>
        </section>` : ''}
      </div>`;
  }
}
customElements.define('pd-overview', OverviewPage);
