/**
 * One stream of server-sent events a page that is looked at: it tells Poll that there is something else to see, and the page whether anybody
 * works. Where there is no stream, pages ask from time to time as before.
 */
import { tell, check, database } from './api.js';

const AGAIN = 2000;
const LONGEST = 60_000;

let path = null;
let source = null;
let timer = null;
let connected = false;
let refused = 0;

const say = (event, detail) => dispatchEvent(new CustomEvent(event, { detail }));

/** Whether pages are told what changes. */
export const isLive = () => connected;

function state(now) {
  if (connected === now) return;
  connected = now;
  document.documentElement.dataset.live = now;
  say('pd-live', now);
}

function close() {
  clearTimeout(timer);
  source?.close();
  source = null;
  state(false);
}

function open() {
  close();
  if (!path || document.hidden) return;
  const opened = new EventSource(`/api/v1${path}${database ? `?${new URLSearchParams({ database })}` : ''}`);
  source = opened;
  const hear = (event, act) => opened.addEventListener(event, (message) => { if (source === opened) act(JSON.parse(message.data)); });
  hear('worker', (worker) => {
    tell(null);
    refused = 0;
    state(true);
    say('pd-worker', worker);
  });
  hear('changed', (changed) => say('pd-changed', changed));
  hear('away', (problem) => {
    tell(problem.title);
    state(false);
  });
  opened.onerror = async () => {
    if (source !== opened) return;
    close();
    // Whether the worker is away, or the login is over, or there are too many streams.
    const answers = await check().then(() => true, () => false);
    if (source || document.hidden) return;
    clearTimeout(timer);
    // Who answers and has no stream for us will not have one in a moment.
    refused = answers ? refused + 1 : 0;
    timer = setTimeout(open, Math.min(LONGEST, AGAIN * 2 ** refused));
  };
}

/** Follows this path of the API, and nothing else; nothing for null. */
export function follow(wanted) {
  if (wanted === path) return;
  path = wanted;
  open();
}

// Browsers open six connections to a host, of all tabs together.
document.addEventListener('visibilitychange', open);
