import { eventually } from '@ballast/testing';
import type { Database } from '../src/index.js';
import { freshConfig, opened } from './fixture.js';

let database: Database;
let stop: AbortController;
beforeAll(async () => {
  database = await opened(await freshConfig());
});
beforeEach(() => (stop = new AbortController()));
afterEach(async () => {
  stop.abort();
  await eventually(async () => expect(await listeners()).toEqual([]));
});

const tell = (what: string) => database.primary.query(`SELECT pg_notify('news', $1)`, [what]);
/** Of connections that listen. */
const listeners = () =>
  database.primary.query<{ pid: number }[]>(
    `SELECT pid FROM pg_stat_activity WHERE query = 'LISTEN "news"' AND datname = current_database() AND pid <> pg_backend_pid()`,
  );

function listening() {
  const heard: string[] = [];
  const ended = database.listen('news', (payload = 'begun') => heard.push(payload), stop.signal);
  return { heard, ended, begun: () => eventually(() => expect(heard).toContain('begun')) };
}

it('hears what is notified after it has begun, of which it tells', async () => {
  const { heard, begun } = listening();
  await begun();
  await tell('one');
  await tell('two');
  await eventually(() => expect(heard).toEqual(['begun', 'one', 'two']));
});

it('listens again when its connection is ended, and tells of that', async () => {
  const { heard, begun } = listening();
  await begun();
  const [{ pid }] = (await listeners()) as [{ pid: number }];
  await database.primary.query('SELECT pg_terminate_backend($1)', [pid]);
  await eventually(() => expect(heard).toEqual(['begun', 'begun']));
  await tell('one');
  await eventually(() => expect(heard).toEqual(['begun', 'begun', 'one']));
});

it('ends with its signal, and its connection with it', async () => {
  const { ended, begun } = listening();
  await begun();
  stop.abort();
  await ended;
  await eventually(async () => expect(await listeners()).toEqual([]));
});

it('ends when the database is closed, which does not wait for it', async () => {
  const other = await opened(await freshConfig());
  let begun = 0;
  const ended = other.listen('news', () => begun++, stop.signal);
  await eventually(() => expect(begun).toBe(1));
  await other.close();
  await ended;
  await expect(other.listen('news', () => undefined, stop.signal)).resolves.toBeUndefined();
});
