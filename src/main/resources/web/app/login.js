import { LitElement, html, css } from '../lit/lit-element.js';
import { style } from './style.js';
import { api, database, pageOf } from './api.js';
import './problem.js';

/** Why an identity provider has let nobody in: the address says one of these words, and nothing else is shown of it. */
const WHY = {
  refused: 'The identity provider has let nobody in.',
  role: 'None of your groups has a role here, or the worker cannot log in as that role.',
  away: 'The identity provider does not answer.',
};

/** Logging in as a role of PostgreSQL, or by an identity provider. */
export class LoginPage extends LitElement {
  static properties = { databases: {}, tryOut: {}, provider: {}, why: {}, error: { state: true }, busy: { state: true } };

  static styles = [style, css`
    .box { max-width: 24rem; margin: 12vh auto 0; }
    button { width: 100%; margin-top: .3rem; }
    ul { list-style: none; padding: 0; } li a { display: block; padding: .4rem 0; overflow-wrap: anywhere; }
  `];

  async enter(login) {
    this.busy = true;
    this.error = null;
    try {
      const session = await login();
      this.dispatchEvent(new CustomEvent('entered', { detail: session }));
    } catch (error) {
      this.error = error;
    } finally {
      this.busy = false;
    }
  }

  submit(event) {
    event.preventDefault();
    const data = new FormData(event.target);
    this.enter(() => api.login(data.get('role'), data.get('password')));
  }

  /** Where one was is not part of what the provider sends back. */
  leave() {
    sessionStorage.setItem('pd-back', this.why ? '' : location.hash);
    location.assign(`${this.provider}${database ? `?${new URLSearchParams({ database })}` : ''}`);
  }

  /** Which of several databases; where one was going stays. */
  choice() {
    return html`
      <main class="box">
        <h1>Perdure</h1>
        <p class="quiet">This worker serves several databases. You log in to one; another tab can be logged in to another one.</p>
        <nav aria-label="Databases"><ul id="databases">${this.databases.map((name) => html`<li><a href="${pageOf(name)}${location.hash}">${name}</a></li>`)}</ul></nav>
      </main>`;
  }

  render() {
    if (this.databases?.length && !database) return this.choice();
    return html`
      <main class="box">
        <h1>Perdure</h1>
        ${database ? html`<p>Database <strong id="database">${database}</strong> ${this.databases ? html`<a href=${pageOf(null)}>another one</a>` : ''}</p>` : ''}
        <p class="quiet">As your role of PostgreSQL. You see and may do what it may.</p>
        <pd-problem .error=${this.error}></pd-problem>
        ${Object.hasOwn(WHY, this.why ?? '') ? html`<p role="alert">${WHY[this.why]}</p>` : ''}
        ${this.provider ? html`<button class="main" id="provider" @click=${this.leave}>Log in with your account</button>
          <p class="quiet">Or with the password of a role:</p>` : ''}
        <form @submit=${this.submit}>
          <label>Role <input name="role" autocomplete="username" autocapitalize="none" spellcheck="false" required maxlength="63"></label>
          <label>Password <input name="password" type="password" autocomplete="current-password" required></label>
          <button class="main" ?disabled=${this.busy}>Log in</button>
        </form>
        ${this.tryOut ? html`
          <button id="try-out" ?disabled=${this.busy} @click=${() => this.enter(() => api.tryOut())}>Try it out as ${this.tryOut}</button>` : ''}
      </main>`;
  }
}
customElements.define('pd-login', LoginPage);
