import { ClusterError } from '@ballast/cluster';
import { type OpsClient, RefusedError } from './client.js';
import { dlqCommands } from './dlq-commands.js';
import { nameOf, parseRowId, parseSagaId } from './ids.js';
import { askAll, type Command, withTrouble } from './run.js';
import { age, count, fields, short, table } from './table.js';

interface Saga {
  id: string;
  definition: string;
  status: string;
  step?: string;
  direction?: 'forward' | 'backward';
  attempts?: number;
  failure?: { step: string; code: string; message: string };
  createdAt: string;
  updatedAt?: string;
  finishedAt?: string;
  traceId?: string;
}
type WholeSaga = Saga & { state?: object; timeline: { step: string; outcome: string; at: string; code?: string }[] };

const states = ['RUNNING', 'COMPENSATING', 'STUCK', 'COMPLETED', 'COMPENSATED', 'ABANDONED'];

const sagas: Command = async (platform, words, { state }) => {
  refuseWords('sagas', words);
  if (state !== undefined && !states.includes(state)) throw new ClusterError(`--state must be one of ${states.join(', ')}, not "${state}"`);
  const { answers, trouble } = await askAll(platform, (client) => client.all<Saga>('/sagas', { state }).catch(withoutSagas));
  const all = answers.flatMap(({ service, answer }) => answer.map((saga) => ({ ...saga, service, name: nameOf(service, saga.id) })));
  const rows = all.map((saga) => [
    saga.name,
    saga.status,
    saga.definition,
    `${saga.direction === 'backward' ? 'undo ' : ''}${saga.step ?? ''}`,
    saga.failure?.code ?? '',
    age(saga.createdAt),
    age(saga.updatedAt ?? saga.createdAt),
  ]);
  const stuck = all.filter(({ status }) => status === 'STUCK');
  const lines = [
    rows.length > 0 ? table(['id', 'state', 'saga', 'step', 'failure', 'age', 'still for'], rows) : `No sagas ${state ?? 'under way'}.`,
    ...(stuck.length > 0 ? ['', `${stuck.length} STUCK. Which step, and why: npm run ops -- saga ${stuck[0]!.name}`] : []),
  ];
  return { text: withTrouble(lines, trouble), data: all.map(({ name, ...saga }) => ({ ...saga, id: name })), failed: trouble.length > 0 };
};

const saga: Command = async (platform, words) => {
  const { client, id, saga: found } = await find(platform, one('saga', words));
  const name = nameOf(client.service, id);
  const start = Date.parse(found.createdAt);
  const width = Math.max(0, ...found.timeline.map(({ step }) => step.length));
  const text = [
    fields([
      ['saga', `${name}, ${found.definition}`],
      ['state', found.status + (found.step ? ` at "${found.step}"` : '')],
      ['failure', found.failure && `${found.failure.code} at "${found.failure.step}": ${found.failure.message}`],
      ['started', `${found.createdAt}, ${age(found.createdAt)} ago`],
      ['ended', found.finishedAt],
      ['trace', platform.traceLink(found.traceId)],
      ['carries', found.state && JSON.stringify(found.state)],
    ]),
    '',
    ...found.timeline.map(
      ({ step, outcome, at, code }) =>
        `  ${`${Date.parse(at) - start} ms`.padStart(12)}  ${step.padEnd(width)}  ${outcome}${code ? ` ${code}` : ''}`,
    ),
    ...(found.status === 'STUCK'
      ? [
          '',
          `Once its step can succeed: npm run ops -- resume ${name}`,
          `If it never can, and what it did is settled by hand: npm run ops -- abandon ${name} --reason "…"`,
        ]
      : []),
  ].join('\n');
  return { text, data: { ...found, id: name, trace: platform.traceLink(found.traceId) } };
};

const resume: Command = async (platform, words) => {
  const { client, id } = await find(platform, one('resume', words));
  await client.post(`/sagas/${id}/resume`);
  const name = nameOf(client.service, id);
  return { text: `✔ ${name} goes on: npm run ops -- saga ${name}`, data: { id: name, outcome: 'RESUMED' } };
};

const abandon: Command = async (platform, words, { reason }) => {
  const word = one('abandon', words);
  if (!reason?.trim()) throw new ClusterError('Say why: npm run ops -- abandon ID --reason "…": it is kept with the saga');
  const { client, id } = await find(platform, word);
  await client.post(`/sagas/${id}/abandon`, { reason });
  const name = nameOf(client.service, id);
  return {
    text: `✔ ${name} is ABANDONED. Nothing it did was taken back: npm run ops -- saga ${name} shows what to settle`,
    data: { id: name, outcome: 'ABANDONED' },
  };
};

/** By its own id a saga is looked for everywhere: there is one. */
async function find(platform: Parameters<Command>[0], word: string): Promise<{ client: OpsClient; id: string; saga: WholeSaga }> {
  const { service, id } = parseSagaId(word);
  const clients = service === undefined ? platform.services : [platform.of(service)];
  let refused: unknown;
  for (const client of clients) {
    try {
      return { client, id, saga: await client.get<WholeSaga>(`/sagas/${id}`) };
    } catch (error) {
      if (!(error instanceof RefusedError) || error.status !== 404) throw error;
      refused = error;
    }
  }
  if (service !== undefined) throw refused;
  throw new ClusterError(`No service has a saga ${id}`);
}

/** A service without sagas has no such route. */
function withoutSagas(error: unknown): [] {
  if (error instanceof RefusedError && error.code === 'ROUTE_NOT_FOUND') return [];
  throw error;
}

interface Backlog {
  pending: number;
  parked: number;
  oldestSeconds: number;
  lanes: { lane: number; pending: number; parked: number; oldestSeconds: number; owner?: string }[];
}
interface Parked {
  id: string;
  lane: number;
  topic: string;
  key: string;
  type?: string;
  bytes: number;
  error: string;
  parkedAt: string;
  behind: number;
  traceId?: string;
}

const outbox: Command = async (platform, words, { reason }) => {
  const [what, ...ids] = words;
  if (what === 'lanes') {
    const [service, lanes] = [ids[0], Number(ids[1])];
    if (!service || ids.length !== 2 || !Number.isInteger(lanes))
      throw new ClusterError('Say whose and how many: npm run ops -- outbox lanes order 3');
    const now = await platform
      .of(service)
      .put<{ lanes: number; generation: string }>('/outbox/lanes', { lanes, ...(reason && { note: reason }) });
    return {
      text: `✔ ${service} sends in ${count(now.lanes, 'lane')} from about a second from now: npm run ops -- outbox`,
      data: { service, ...now },
    };
  }
  if (what === 'retry' || what === 'discard') {
    const { service, id } = parseRowId(one(`outbox ${what}`, ids));
    const body = what === 'discard' && reason !== undefined ? { note: reason } : {};
    await platform.of(service).post(`/outbox/parked/${id}/${what}`, body);
    const name = nameOf(service, id);
    const text =
      what === 'retry' ? `✔ ${name} is sent again: npm run ops -- outbox` : `✔ ${name} is discarded: it was never sent, and will not be`;
    return { text, data: { id: name, outcome: what === 'retry' ? 'RETRIED' : 'DISCARDED' } };
  }
  refuseWords('outbox', words);
  const { answers, trouble } = await askAll(platform, async (client) => ({
    backlog: await client.get<Backlog>('/outbox'),
    parked: await client.all<Parked>('/outbox/parked'),
  }));
  const lanes = answers.flatMap(({ service, answer: { backlog } }) =>
    backlog.lanes.map(({ lane, pending, parked, oldestSeconds, owner }) => [
      ...[service, String(lane), String(pending), pending > 0 ? `${Math.round(oldestSeconds)}s` : '', String(parked), owner ?? 'nobody'],
    ]),
  );
  const parked = answers.flatMap(({ service, answer }) => answer.parked.map((row) => ({ ...row, service, name: nameOf(service, row.id) })));
  const lines = [
    table(['service', 'lane', 'waiting', 'oldest', 'parked', 'sent by'], lanes),
    ...(parked.length > 0
      ? [
          '',
          table(
            ['parked', 'why', 'message', 'key', 'bytes', 'behind', 'age'],
            parked.map((row) => [
              ...[row.name, row.error, row.type ?? row.topic, short(row.key, 36), String(row.bytes), String(row.behind), age(row.parkedAt)],
            ]),
          ),
          '',
          `${count(parked.length, 'message')} refused by the broker. Once the reason is gone: npm run ops -- outbox retry ${parked[0]!.name}`,
        ]
      : []),
  ];
  const data = answers.map(({ service, answer }) => ({
    ...{ service, ...answer.backlog },
    parkedRows: answer.parked.map((row) => ({ ...row, id: nameOf(service, row.id) })),
  }));
  return { text: withTrouble(lines, trouble), data, failed: trouble.length > 0 };
};

interface Lag {
  instance: string;
  messages: number;
  partitions: { topic: string; partition: number; messages: number }[];
}

const lag: Command = async (platform, words) => {
  refuseWords('lag', words);
  const { answers, trouble } = await askAll(platform, (client) => client.get<Lag>('/lag'));
  const rows = answers.flatMap(({ answer: { instance, partitions } }) => {
    const topics = [...new Set(partitions.map(({ topic }) => topic))];
    return topics.map((topic) => {
      const own = partitions.filter((each) => each.topic === topic);
      return [instance, topic, String(own.length), String(own.reduce((sum, { messages }) => sum + messages, 0))];
    });
  });
  const lines = [rows.length > 0 ? table(['reader', 'topic', 'partitions', 'to be read'], rows) : 'Nobody has read anything yet.'];
  return {
    text: withTrouble(lines, trouble),
    data: answers.map(({ service, answer }) => ({ service, ...answer })),
    failed: trouble.length > 0,
  };
};

interface Entry {
  id: string;
  at: string;
  accountId: string;
  method: string;
  path: string;
  what: string;
  outcome: string;
  code?: string;
  detail: Record<string, unknown>;
  traceId?: string;
}

const audit: Command = async (platform, words, { limit = 20 }) => {
  refuseWords('audit', words);
  // The latest of all may be of one service, so each is asked for that many.
  const { answers, trouble } = await askAll(platform, (client) => client.all<Entry>('/audit', {}, limit));
  const entries = answers
    .flatMap(({ service, answer }) => answer.map((entry) => ({ service, ...entry })))
    .sort((a, b) => b.at.localeCompare(a.at))
    .slice(0, limit);
  const rows = entries.map(({ at, service, what, outcome, code, accountId, detail }) => [
    ...[at, service, what, code ? `${outcome} ${code}` : outcome, accountId, short(JSON.stringify(detail), 90)],
  ]);
  const lines = [
    rows.length > 0 ? table(['at', 'service', 'what', 'outcome', 'operator', 'detail'], rows) : 'No operator has changed anything.',
  ];
  return { text: withTrouble(lines, trouble), data: entries, failed: trouble.length > 0 };
};

/** The other command line, for the cluster's containers, where one entry does for both. */
const dlq: Command = (platform, [name, ...words], options) => {
  const command = name !== undefined && Object.hasOwn(dlqCommands, name) ? dlqCommands[name as keyof typeof dlqCommands] : undefined;
  if (!command) throw new ClusterError(`Say what: dlq ${Object.keys(dlqCommands).join(' | ')}; see --help`);
  return command(platform, words, options);
};

function one(command: string, words: readonly string[]): string {
  if (words.length !== 1) throw new ClusterError(`npm run ops -- ${command} takes one id; see --help`);
  return words[0]!;
}

function refuseWords(command: string, words: readonly string[]): void {
  if (words.length > 0) throw new ClusterError(`npm run ops -- ${command} takes nothing more, and not "${words.join(' ')}"; see --help`);
}

export const opsCommands = { sagas, saga, resume, abandon, outbox, lag, audit, dlq };
