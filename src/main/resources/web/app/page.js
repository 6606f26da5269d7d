import { LitElement } from '../lit/lit-element.js';
import { Poll } from './poll.js';

/** A page that shows what it asks for from time to time: `ask` answers the fields to set. */
export class Page extends LitElement {
  static properties = { readOnly: { type: Boolean }, error: { state: true }, failed: { state: true }, busy: { state: true } };

  constructor() {
    super();
    this.poll = new Poll(() => this.refresh(), this.constructor.pause ?? 4000, this.constructor.told);
  }

  connectedCallback() {
    super.connectedCallback();
    this.poll.start();
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.poll.stop();
  }

  async refresh() {
    try {
      Object.assign(this, await this.ask());
      this.error = null;
    } catch (error) {
      this.error = error;
      throw error;
    }
  }

  /** Does something and shows what came of it. */
  async act(action) {
    this.busy = true;
    this.failed = null;
    try {
      return await action();
    } catch (error) {
      this.failed = error;
      return null;
    } finally {
      this.busy = false;
      this.poll.now();
    }
  }
}
