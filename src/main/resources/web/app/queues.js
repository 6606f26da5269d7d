import { html } from '../lit/lit-element.js';
import { style } from './style.js';
import { Page } from './page.js';
import { api } from './api.js';
import { moment } from './words.js';
import './problem.js';

/** Queues: their limits, what waits and what runs. */
export class QueuesPage extends Page {
  static properties = { queues: { state: true } };

  static styles = [style];

  async ask() {
    return { queues: (await api.queues()).queues };
  }

  limits(queue) {
    return [
      queue.concurrency && `${queue.concurrency} at once`, queue.concurrency_per_key && `${queue.concurrency_per_key} of a key`,
      queue.rate && `${queue.rate} in ${queue.per}`, queue.overflow !== 'wait' && queue.overflow,
    ].filter(Boolean).join(', ') || 'none';
  }

  render() {
    if (!this.queues) return html`<pd-problem .error=${this.error}></pd-problem>`;
    const link = (queue, status, count) => html`<a class="number" href="#/instances?${new URLSearchParams({ queue: queue.name, status })}">${count}</a>`;
    return html`
      <h1>Queues</h1>
      <pd-problem .error=${this.error}></pd-problem>
      <pd-problem .error=${this.failed}></pd-problem>
      <div class="box scroll">
        <table class="cards">
          <thead><tr><th>Queue</th><th>Wait</th><th>Run</th><th class="wide">Later</th><th class="wide">Oldest waits since</th><th class="wide">Limits</th><th></th></tr></thead>
          <tbody>${this.queues.map((queue) => html`
            <tr>
              <td>${queue.name} ${queue.mine ? '' : html`<span class="quiet">of ${queue.owner}</span>`}
                ${queue.paused ? html`<span class="mark paused">‖ paused</span> <span class="quiet">${queue.pause_reason ?? ''}</span>` : ''}</td>
              <td data-of="wait">${link(queue, 'pending', queue.waiting)}</td><td data-of="run">${link(queue, 'pending,running', queue.running)}</td>
              <td class="wide number">${queue.delayed}</td><td class="wide" title=${queue.oldest_waiting ?? ''}>${moment(queue.oldest_waiting)}</td>
              <td class="wide">${this.limits(queue)}</td>
              <td>${this.readOnly || !queue.mine ? '' : html`
                <button class="small" data-action=${queue.paused ? 'resume' : 'pause'} ?disabled=${this.busy}
                  @click=${() => this.act(() => api.queue(queue.name, queue.paused ? 'resume' : 'pause'))}>${queue.paused ? 'Resume' : 'Pause'}</button>`}</td>
            </tr>`)}
          </tbody>
        </table>
        ${this.queues.length ? '' : html`<p class="quiet">None. <code>df.create_queue</code> makes one.</p>`}
      </div>`;
  }
}
customElements.define('pd-queues', QueuesPage);
