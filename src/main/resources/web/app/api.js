/** The API of the worker, as the user who is logged in. */

/** The database that the address of the page names, where the worker serves several: a tab is one of one database. */
export const database = new URLSearchParams(location.search).get('database');

/** The address of a page of another database; of none, where one is chosen. */
export const pageOf = (name) => (name ? `/?${new URLSearchParams({ database: name })}` : '/');

let csrf = null;
let away = null;

/** Tells the page since when worker or database do not answer; null when they do again. */
export function tell(what) {
  if ((away?.what ?? null) === what) return;
  away = what ? { what, since: away?.since ?? new Date() } : null;
  dispatchEvent(new CustomEvent('pd-away', { detail: away }));
}

let note = null;

/** Tells the page what people should know of the server that was read: that it is behind, or not the one that should be read. */
function noted(response) {
  if (!response.ok || !response.headers.has('X-Perdure-Source')) return;
  const said = response.headers.get('X-Perdure-Note');
  if (said === note) return;
  note = said;
  dispatchEvent(new CustomEvent('pd-note', { detail: note }));
}

/** Why a request was not answered; `problem` is what the server has said. */
export class ApiError extends Error {
  constructor(status, problem) {
    super(problem.detail && !problem.sqlstate ? `${problem.title}. ${problem.detail}` : problem.title ?? `HTTP ${status}`);
    this.status = status;
    this.problem = problem;
    this.away = status === 0 || status === 503;
  }
}

async function send(method, path, body) {
  const headers = database ? { 'X-Perdure-Database': database } : {};
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  if (csrf && method !== 'GET') headers['X-CSRF-Token'] = csrf;
  let response;
  try {
    response = await fetch(`/api/v1${path}`, {
      method, headers, credentials: 'same-origin', body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    tell('The worker does not answer');
    throw new ApiError(0, { title: 'The worker does not answer' });
  }
  const text = await response.text();
  let answer = {};
  try {
    answer = text ? JSON.parse(text) : {};
  } catch {
    answer = { title: `HTTP ${response.status}` };
  }
  noted(response);
  tell(response.status === 503 ? answer.title ?? 'The database does not answer' : null);
  if (!response.ok) {
    if (response.status === 401 && path !== '/session') dispatchEvent(new CustomEvent('pd-logged-out'));
    throw new ApiError(response.status, answer);
  }
  return answer;
}

function remember(session) {
  csrf = session.csrf ?? null;
  return session;
}

/** Whether the worker answers, and the login still holds. */
export async function check() {
  const { role } = await send('GET', '/session');
  if (!role) dispatchEvent(new CustomEvent('pd-logged-out'));
}

const query = (of) => new URLSearchParams(Object.entries(of).filter(([, value]) => value));
const name = encodeURIComponent;

export const api = {
  session: async () => remember(await send('GET', '/session')),
  login: async (role, password) => remember(await send('POST', '/session', { role, password })),
  tryOut: async () => remember(await send('POST', '/session/try-out', {})),
  choose: (role) => send('POST', '/session/role', { role }),
  logout: async () => { await send('DELETE', '/session'); csrf = null; },
  instances: (filter) => send('GET', `/instances?${query(filter)}`),
  instance: (id) => send('GET', `/instances/${name(id)}`),
  sql: (id) => send('GET', `/instances/${name(id)}/sql`),
  node: (id, node) => send('GET', `/instances/${name(id)}/nodes/${name(node)}`),
  items: (id, node, after) => send('GET', `/instances/${name(id)}/items?${query({ node, after })}`),
  act: (id, action, body) => send('POST', `/instances/${name(id)}/${action}`, body),
  many: (action, body) => send('POST', `/instances/${action}`, body),
  start: (body) => send('POST', '/instances', body),
  explain: (workflow) => send('POST', '/explain', { workflow }),
  schedules: () => send('GET', '/schedules'),
  runs: (schedule) => send('GET', `/schedules/${name(schedule)}/runs`),
  schedule: (schedule, action, body) => send('POST', `/schedules/${name(schedule)}/${action}`, body ?? {}),
  queues: () => send('GET', '/queues'),
  queue: (queue, action) => send('POST', `/queues/${name(queue)}/${action}`, {}),
  definitions: () => send('GET', '/definitions'),
  definition: (definition) => send('GET', `/definitions/${name(definition)}`),
  tasks: (after) => send('GET', `/tasks?${query({ after })}`),
  task: (task) => send('GET', `/tasks/${name(task)}`),
  decide: (task, body) => send('POST', `/tasks/${name(task)}/decide`, body),
  kinds: () => send('GET', '/activity-kinds'),
  activities: (filter) => send('GET', `/activities?${query(filter)}`),
  summary: (minutes) => send('GET', `/summary?${query({ minutes })}`),
  worker: () => send('GET', '/worker'),
};
