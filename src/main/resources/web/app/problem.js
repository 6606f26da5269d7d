import { LitElement, html } from '../lit/lit-element.js';
import { style } from './style.js';

/** Why something did not work, in the words of the server. */
export class ProblemBox extends LitElement {
  static properties = { error: { attribute: false } };

  static styles = [style];

  render() {
    // That nobody answers is said once, above the page.
    if (!this.error || this.error.away) return html``;
    const problem = this.error.problem ?? {};
    return html`
      <div class="error" role="alert">
        <strong>${this.error.message}</strong>
        ${problem.sqlstate ? html`
          ${problem.detail ? html`<p>${problem.detail}</p>` : ''}
          ${problem.hint ? html`<p>Hint: ${problem.hint}</p>` : ''}
          <p class="quiet">SQLSTATE ${problem.sqlstate}</p>` : ''}
      </div>`;
  }
}
customElements.define('pd-problem', ProblemBox);
