/** Values as people read them. */

export const MARKS = {
  completed: '✓', failed: '✗', running: '▶', pending: '○', cancelled: '⊘', skipped: '–', compensating: '↶',
  started: '✓', buffered: '○', missed: '!', paused: '‖',
};

export function mark(status) {
  return status ? `${MARKS[status] ?? '·'} ${status}` : '';
}

const TIME = new Intl.DateTimeFormat(undefined, { dateStyle: 'short', timeStyle: 'medium' });
const CLOCK = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });

/** A moment in the zone of who looks; today's without its date. */
export function moment(text) {
  if (!text) return '';
  const date = new Date(text);
  if (Number.isNaN(date.valueOf())) return text;
  return date.toDateString() === new Date().toDateString() ? CLOCK.format(date) : TIME.format(date);
}

export function span(from, to) {
  if (!from || !to) return '';
  const ms = new Date(to) - new Date(from);
  if (!(ms >= 0)) return '';
  if (ms < 1000) return `${ms} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  const s = Math.round(ms / 1000);
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  if (s < 86_400) return `${Math.floor(s / 3600)} h ${Math.floor(s % 3600 / 60)} min`;
  return `${Math.floor(s / 86_400)} d ${Math.floor(s % 86_400 / 3600)} h`;
}

export function bytes(count) {
  if (count == null) return '';
  if (count < 1024) return `${count} bytes`;
  return count < 1 << 20 ? `${(count / 1024).toFixed(1)} KB` : `${(count / (1 << 20)).toFixed(1)} MB`;
}

export function cut(text, longest) {
  const chars = [...(text ?? '')];
  return chars.length > longest ? `${chars.slice(0, longest - 1).join('')}…` : chars.join('');
}

/** JSON laid out; what is none, or is cut, as it is. Numbers that JavaScript cannot hold stay as they are written. */
export function pretty(text) {
  if (!text || text.length > 50_000 || /[-\d]\d{15}/.test(text)) return text ?? '';
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

/** A note of the server, with its moments in the zone of who looks. */
export function local(note) {
  return (note ?? '').replace(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?\+00/g, (text) => moment(`${text.replace(' ', 'T')}:00`));
}

/** How long ago, or how long until. */
export function distance(text) {
  const ms = new Date(text) - Date.now();
  const from = ms > 0 ? new Date() : new Date(text);
  const to = ms > 0 ? new Date(text) : new Date();
  const long = span(new Date(Math.floor(from / 1000) * 1000), new Date(Math.floor(to / 1000) * 1000)).replace(/\.0 s$/, ' s').replace(/^0 ms$/, '0 s');
  return ms > 0 ? `in ${long}` : `${long} ago`;
}

/** A value as a literal of SQL. */
export function literal(text) {
  const quoted = `'${String(text).replaceAll("'", "''")}'`;
  return quoted.includes('\\') ? `E${quoted.replaceAll('\\', '\\\\')}` : quoted;
}
