import { html, css } from '../lit/lit-element.js';
import { style } from './style.js';
import { Page } from './page.js';
import { api } from './api.js';
import { moment, distance, pretty } from './words.js';
import './problem.js';

/** Tasks: what the role can decide, with a form for each. None changes its place while one looks, so that nobody decides another one by a click. */
export class TasksPage extends Page {
  static properties = { tasks: { state: true }, more: { state: true }, said: { state: true }, whole: { state: true } };

  static styles = [style, css`
    .task h2 { overflow-wrap: anywhere; }
    .task textarea { min-height: 3.2rem; resize: vertical; font-family: inherit; }
    .other { display: flex; gap: .5rem; }
    .word { width: 11rem; min-width: 0; }
  `];

  constructor() {
    super();
    this.whole = {};
  }

  async ask() {
    const { tasks, more } = await api.tasks();
    const now = new Map(tasks.map((task) => [task.id, task]));
    const before = this.tasks ?? [];
    const known = new Set(before.map((task) => task.id));
    return { tasks: [...before.map((task) => now.get(task.id) ?? { ...task, over: true }), ...tasks.filter((task) => !known.has(task.id))], more };
  }

  async decide(task, form, decision) {
    if (!decision) {
      form.elements.decision.focus();
      return;
    }
    this.said = null;
    const comment = form.elements.comment.value.trim();
    const answer = await this.act(() => api.decide(task.id, { decision, comment: comment || undefined }));
    if (!answer) return;
    this.said = answer.answer === 'decided' ? `“${task.title}” is decided: ${decision}.`
      : `Your decision on “${task.title}” counts: ${answer.answer} that say ${decision}.`;
  }

  async all(task) {
    const answer = await this.act(() => api.task(task.id));
    if (answer) this.whole = { ...this.whole, [task.id]: answer.payload };
  }

  payload(task) {
    if (!task.payload) return '';
    const cut = task.payload_characters > task.payload.length && !this.whole[task.id];
    return html`<pre>${pretty(this.whole[task.id] ?? task.payload)}${cut ? '…' : ''}</pre>
      ${cut ? html`<button class="small" @click=${() => this.all(task)}>All ${task.payload_characters} characters</button>` : ''}`;
  }

  task(task) {
    const submit = (event) => {
      event.preventDefault();
      this.decide(task, event.target, event.target.elements.decision.value.trim());
    };
    const press = (event) => this.decide(task, event.target.form, event.target.value);
    return html`
      <section class="box task" data-id=${task.id}>
        <h2>${task.title}</h2>
        <p class="quiet"><span title=${task.created_at}>${moment(task.created_at)}, ${distance(task.created_at)}</span> · for ${task.assignees.join(', ')}
          ${task.quorum > 1 ? html` · ${task.decisions} of ${task.quorum} have decided` : ''}${task.not_submitter ? ' · not by the role that started it' : ''}</p>
        ${this.payload(task)}
        ${task.over ? html`<p class="quiet">Decided, or over.</p>` : this.readOnly ? '' : html`
          <form @submit=${submit}>
            <label>Comment<textarea name="comment" rows="2" maxlength="10000"></textarea></label>
            <div class="row">
              <button class="main" type="button" value="approved" ?disabled=${this.busy} @click=${press}>Approve</button>
              <button type="button" value="rejected" ?disabled=${this.busy} @click=${press}>Reject</button>
              <span class="other right"><input class="word" name="decision" maxlength="100" placeholder="or another word" aria-label="Another decision">
                <button data-action="word" ?disabled=${this.busy}>Decide</button></span>
            </div>
          </form>`}
      </section>`;
  }

  render() {
    if (!this.tasks) return html`<pd-problem .error=${this.error}></pd-problem>`;
    return html`
      <h1>Tasks</h1>
      <pd-problem .error=${this.error}></pd-problem>
      <pd-problem .error=${this.failed}></pd-problem>
      ${this.said ? html`<p role="status" class="completed">${this.said}</p>` : ''}
      <div class="boxes">${this.tasks.map((task) => this.task(task))}</div>
      ${this.tasks.length ? '' : html`<p class="quiet">Nothing waits for a decision of yours. <code>df.approval</code> makes a task.</p>`}
      ${this.more ? html`<p class="quiet">There are more: decide these first.</p>` : ''}`;
  }
}
customElements.define('pd-tasks', TasksPage);
