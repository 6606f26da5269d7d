import { LitElement, html, css } from '../lit/lit-element.js';
import { style } from './style.js';
import { api, database, pageOf } from './api.js';
import { follow } from './live.js';
import './login.js';
import './away.js';
import './overview.js';
import './instances.js';
import './schedules.js';
import './queues.js';
import './definitions.js';
import './tasks.js';
import './activities.js';
import './worker.js';
import './instance.js';
import './start.js';

const PAGES = [['overview', 'Overview'], ['instances', 'Instances'], ['start', 'Start'], ['schedules', 'Schedules'], ['queues', 'Queues'],
  ['definitions', 'Definitions'], ['tasks', 'Tasks'], ['activities', 'Activities'], ['worker', 'Worker']];

/** The page: who is logged in, and which page the address names. */
export class Main extends LitElement {
  static properties = { session: { state: true }, route: { state: true }, error: { state: true } };

  static styles = [style, css`
    header { display: flex; flex-wrap: wrap; gap: .4rem 1.2rem; align-items: center; padding: .6rem 1rem; background: var(--box); border-bottom: 1px solid var(--line); }
    header strong { color: var(--accent); }
    nav { display: flex; flex-wrap: wrap; gap: .2rem 1rem; }
    nav a[aria-current="page"] { font-weight: 600; text-decoration: none; }
    .who { margin-left: auto; }
    main { max-width: 100rem; margin: 0 auto; padding: 1rem; }
    @media (max-width: 640px) { main { padding: .6rem; } header { padding: .5rem .6rem; } }
  `];

  constructor() {
    super();
    this.read = () => { this.route = new URL(location.hash.slice(1) || '/overview', location.origin); };
    this.out = () => { if (this.session?.role) this.again(); };
    this.key = (event) => this.pressed(event);
    this.read();
  }

  connectedCallback() {
    super.connectedCallback();
    addEventListener('hashchange', this.read);
    addEventListener('pd-logged-out', this.out);
    addEventListener('keydown', this.key);
    this.begin();
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    removeEventListener('hashchange', this.read);
    removeEventListener('pd-logged-out', this.out);
    removeEventListener('keydown', this.key);
  }

  willUpdate() {
    const [, first, second] = this.route.pathname.split('/');
    const one = first === 'instances' && second;
    follow(!this.session?.role ? null : one ? `/instances/${second}/events` : '/changes');
  }

  async begin() {
    try {
      this.session = await api.session();
      this.error = null;
      const back = this.session.role && sessionStorage.getItem('pd-back');
      if (this.session.role) sessionStorage.removeItem('pd-back');
      if (back) location.replace(back);
      else if (this.session.role && this.route.pathname === '/login') location.replace('#/overview');
    } catch (error) {
      this.error = error;
      setTimeout(() => this.begin(), 2000);
    }
  }

  /** A login that is over, as after a restart of the worker: who tries it out is let in again without a word. */
  async again() {
    const { role } = this.session;
    await this.begin();
    if (this.session && !this.session.role && this.session.try_out === role) {
      this.session = await api.tryOut().catch(() => this.session);
    }
  }

  /** Another one of the roles that one's groups have. */
  async choose(event) {
    await api.choose(event.target.value).catch((error) => { this.error = error; });
    location.reload();
  }

  async leave() {
    await api.logout().catch(() => {});
    this.begin();
  }

  /** `/` searches; `g` and the first letter of a page goes there. */
  pressed(event) {
    const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(event.composedPath()[0]?.tagName ?? '');
    if (typing || !this.session?.role || event.ctrlKey || event.metaKey || event.altKey) return;
    const before = this.before;
    this.before = event.key;
    if (event.key === '/') {
      event.preventDefault();
      location.hash = '#/instances';
      setTimeout(() => this.renderRoot.querySelector('pd-instances')?.renderRoot.querySelector('#search')?.focus());
    } else if (before === 'g') {
      const page = PAGES.find(([name]) => name.startsWith(event.key) && name !== 'start');
      if (page) location.hash = `#/${page[0]}`;
    }
  }

  page() {
    const [, first, second] = this.route.pathname.split('/');
    const { read_only: readOnly } = this.session;
    const query = this.route.searchParams;
    if (first === 'instances' && second) {
      return html`<pd-instance .instanceId=${decodeURIComponent(second)} ?readOnly=${readOnly}></pd-instance>`;
    }
    switch (first) {
      case 'instances': return html`<pd-instances .query=${query} ?readOnly=${readOnly}></pd-instances>`;
      case 'schedules': return html`<pd-schedules .query=${query} ?readOnly=${readOnly}></pd-schedules>`;
      case 'queues': return html`<pd-queues ?readOnly=${readOnly}></pd-queues>`;
      case 'definitions': return html`<pd-definitions .query=${query} ?readOnly=${readOnly}></pd-definitions>`;
      case 'tasks': return html`<pd-tasks ?readOnly=${readOnly}></pd-tasks>`;
      case 'activities': return html`<pd-activities .query=${query}></pd-activities>`;
      case 'worker': return html`<pd-worker></pd-worker>`;
      case 'start': return html`<pd-start .query=${query} ?readOnly=${readOnly}></pd-start>`;
      default: return html`<pd-overview></pd-overview>`;
    }
  }

  render() {
    if (this.error) {
      return html`<main><p role="alert">${this.error.message}. Trying again.</p>${database ? html`<p><a href=${pageOf(null)}>Databases</a></p>` : ''}</main>`;
    }
    if (!this.session) return html``;
    if (!this.session.role) {
      return html`<pd-login .databases=${this.session.databases} .tryOut=${this.session.try_out} .provider=${this.session.provider}
        .why=${this.route.pathname === '/login' ? this.route.searchParams.get('why') : null} @entered=${(event) => { this.session = { databases: this.session.databases, database, ...event.detail }; }}></pd-login>`;
    }
    const at = this.route.pathname;
    const current = (path) => (at.startsWith(path) ? 'page' : 'false');
    return html`
      <header>
        <strong>Perdure</strong>
        ${this.session.databases ? html`<a id="database" href=${pageOf(null)} title="Another database">${this.session.database}</a>` : ''}
        <nav aria-label="Pages">
          ${PAGES.filter(([page]) => page !== 'start' || !this.session.read_only).map(([page, text]) => html`
            <a href="#/${page}" aria-current=${current(`/${page}`)}>${text}</a>`)}
        </nav>
        <span class="who">${this.session.roles?.length > 1 ? html`
          <select id="roles" aria-label="Role" @change=${this.choose}>${this.session.roles.map((role) => html`
            <option value=${role} ?selected=${role === this.session.role}>${role}</option>`)}</select>` : html`<span id="role">${this.session.role}</span>`}
          ${this.session.proxied ? '' : html`<button @click=${this.leave}>Log out</button>`}</span>
      </header>
      <pd-away></pd-away>
      <main>${this.page()}</main>`;
  }
}
customElements.define('pd-main', Main);
