import { LitElement, html } from '../lit/lit-element.js';
import { style } from './style.js';

/** A statement to take away. */
export class SqlText extends LitElement {
  static properties = { text: {}, copied: { state: true } };

  static styles = [style];

  async copy() {
    try {
      await navigator.clipboard.writeText(this.text);
      this.copied = true;
    } catch {
      // Not over plain HTTP: the user copies the marked text.
      getSelection().selectAllChildren(this.renderRoot.querySelector('pre'));
    }
  }

  willUpdate(changed) {
    if (changed.has('text')) this.copied = false;
  }

  render() {
    return this.text ? html`
      <pre>${this.text}</pre>
      <p><button class="small" type="button" @click=${this.copy}>${this.copied ? 'Copied' : 'Copy'}</button></p>` : '';
  }
}
customElements.define('pd-sql', SqlText);
