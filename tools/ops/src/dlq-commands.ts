import { ClusterError } from '@ballast/cluster';
import { type OpsClient, RefusedError } from './client.js';
import { nameOf, parseRowId, type RowId } from './ids.js';
import type { Letter, Settlement, WholeLetter } from './letters.js';
import { askAll, type Command, type Report, withTrouble } from './run.js';
import { age, count, fields, short, table } from './table.js';

type Listed = Letter & { name: string; service: string };

const list: Command = async (platform, words, { topic, all }) => {
  refuseWords('list', words);
  const { answers, trouble } = await askAll(platform, (client) =>
    client.all<Letter>('/dead-letters', { topic, ...(!all && { status: 'OPEN' }) }),
  );
  const letters: Listed[] = answers.flatMap(({ service, answer }) =>
    answer.map((letter) => ({ ...letter, service, name: nameOf(service, letter.id) })),
  );
  const rows = letters.map((letter) => [
    letter.name,
    letter.status === 'OPEN' ? letter.reason : letter.status,
    String(letter.attempts),
    letter.type ?? letter.topic,
    short(letter.key, 36),
    age(letter.createdAt),
    letter.waitsFor !== undefined ? `waits for ${nameOf(letter.service, letter.waitsFor)}` : short(letter.error, 80),
  ]);
  const lines =
    rows.length > 0
      ? [table(['id', 'reason', 'tries', 'message', 'key', 'age', 'error'], rows), '', ...hints(letters)]
      : ['No dead letters.'];
  const data = letters.map(({ name, ...letter }) => ({ ...letter, id: name, trace: platform.traceLink(letter.traceId) }));
  return { text: withTrouble(lines, trouble), data, failed: trouble.length > 0 };
};

function hints(letters: readonly Listed[]): string[] {
  const open = letters.filter(({ status }) => status === 'OPEN');
  const first = open.find(({ waitsFor, kind }) => waitsFor === undefined && kind !== 'command');
  const command = open.find(({ kind }) => kind === 'command');
  return [
    `${count(open.length, 'open letter')}. Why: npm run dlq -- show ${(open[0] ?? letters[0]!).name}`,
    ...(first
      ? [`Once the cause is mended: npm run dlq -- replay ${first.name}${first.behind ? ` (and ${first.behind} behind it)` : ''}`]
      : []),
    ...(command ? [`A command's sender was told that it failed: look at its saga, then npm run dlq -- discard ${command.name}`] : []),
  ];
}

const show: Command = async (platform, words) => {
  const { service, id } = parseRowId(only('show', words));
  const letter = await platform.of(service).get<WholeLetter>(`/dead-letters/${id}`);
  const name = nameOf(service, id);
  const text = [
    fields([
      ['letter', name],
      ['state', letter.status + (letter.settledAt ? `, ${age(letter.settledAt)} ago` : '')],
      ['note', letter.note],
      ['reason', `${letter.reason}, tried ${count(letter.attempts, 'time')}`],
      ['error', letter.error],
      ['message', `${letter.type ?? 'unknown type'} ${letter.messageId ?? ''}`.trimEnd()],
      ['from', `${letter.topic}, partition ${letter.partition}, offset ${letter.offset}`],
      ['key', letter.key],
      ['set aside', `${letter.createdAt}, ${age(letter.createdAt)} ago`],
      ['waits for', letter.waitsFor && nameOf(service, letter.waitsFor)],
      ['behind it', letter.behind > 0 ? count(letter.behind, 'letter') : undefined],
      ['trace', platform.traceLink(letter.traceId)],
      ['dealt with in', platform.traceLink(letter.replayTraceId)],
      ...Object.entries(letter.headers).map(([header, value]): [string, string] => [`  ${header}`, value]),
    ]),
    '',
    letter.payload,
    ...adviceOn(service, letter),
  ].join('\n');
  return { text, data: { ...letter, service, id: name, trace: platform.traceLink(letter.traceId) } };
};

function adviceOn(service: string, { id, status, kind, waitsFor, headers }: WholeLetter): string[] {
  const name = nameOf(service, id);
  if (status !== 'OPEN') return [];
  if (kind === 'command') {
    const asker = headers['ce_replyto']?.replace(/\.replies$/, '');
    const saga = headers['ce_sagaid'];
    return [
      '',
      'Its sender was told that it failed and has gone on, so it is not replayed.',
      ...(saga && asker ? [`If the saga is STUCK, resuming it sends the command anew: npm run ops -- saga ${nameOf(asker, saga)}`] : []),
      `Then: npm run dlq -- discard ${name}`,
    ];
  }
  return [
    '',
    waitsFor ? `First: npm run dlq -- replay ${nameOf(service, waitsFor)}` : `Once the cause is mended: npm run dlq -- replay ${name}`,
  ];
}

const replay: Command = async (platform, words, { topic }) => {
  if (topic !== undefined) {
    refuseWords('replay --topic', words);
    return replayTopic(platform, topic);
  }
  if (words.length === 0) throw new ClusterError('Say which: npm run dlq -- replay payment-17, or --topic T');
  const results: Result[] = [];
  // The second of a key may have been replayed behind the first: it says so.
  for (const { service, id } of inOrder(platform, 'replay', words)) results.push(await settle(platform.of(service), id, 'replay'));
  return reportOf(results);
};

async function replayTopic(platform: Parameters<Command>[0], topic: string): Promise<Report> {
  const results: Result[] = [];
  let commands = 0;
  for (const client of platform.services)
    for (const letter of await client.all<Letter>('/dead-letters', { topic, status: 'OPEN' })) {
      if (letter.kind === 'command') commands++;
      else if (letter.waitsFor === undefined) results.push(await settle(client, letter.id, 'replay'));
    }
  const report = results.length > 0 ? reportOf(results) : { text: `No open letter of ${topic} to replay.`, data: [] };
  if (commands === 0) return report;
  const told = `${count(commands, 'command')} left: ${commands === 1 ? 'its sender was' : 'their senders were'} told that it failed. See npm run dlq -- list --topic ${topic}`;
  return { ...report, text: `${report.text}\n✖ ${told}`, failed: true };
}

const discard: Command = async (platform, words, { reason }) => {
  const results: Result[] = [];
  for (const { service, id } of inOrder(platform, 'discard', words))
    results.push(await settle(platform.of(service), id, 'discard', reason === undefined ? {} : { note: reason }));
  return reportOf(results);
};

/** The letters that the words name, each once, in the order in which they were set aside. Refuses all when one is none. */
function inOrder(platform: Parameters<Command>[0], command: string, words: readonly string[]): RowId[] {
  if (words.length === 0) throw new ClusterError(`Say which: npm run dlq -- ${command} payment-17`);
  const wanted = [...new Map(words.map((word): [string, RowId] => [word, parseRowId(word)])).values()];
  for (const { service } of wanted) platform.of(service);
  return wanted.sort((a, b) => Number(BigInt(a.id) - BigInt(b.id)));
}

interface Result {
  service: string;
  id: string;
  settlement?: Settlement;
  refused?: RefusedError;
}

/** Again, as long as a request ends before the key's letters do. */
async function settle(client: OpsClient, id: string, what: 'replay' | 'discard', body: object = {}): Promise<Result> {
  const { service } = client;
  try {
    const settlement = await client.post<Settlement>(`/dead-letters/${id}/${what}`, body);
    while (settlement.next !== undefined && settlement.left > 0 && went(settlement) && settlement.letters[0]!.outcome !== 'ALREADY') {
      if (what === 'discard' && settlement.letters.length === 1) break; // it was not the first: the one before it waits for its own replay
      const more = await client.post<Settlement>(`/dead-letters/${settlement.next}/replay`);
      settlement.letters.push(...more.letters);
      settlement.left = more.left;
      if (more.next === undefined) delete settlement.next;
      else settlement.next = more.next;
    }
    return { service, id, settlement };
  } catch (error) {
    if (!(error instanceof RefusedError) || error.status !== 409) throw error;
    return { service, id, refused: error };
  }
}

const went = ({ letters }: Settlement): boolean => letters.at(-1)!.outcome !== 'FAILED';

function reportOf(results: readonly Result[]): Report {
  const lines = results.flatMap(({ service, id, settlement, refused }) =>
    refused ? [`✖ ${nameOf(service, id)}  ${refusal(service, refused)}`] : linesOf(service, settlement!),
  );
  const data = results.map(({ service, id, settlement, refused }) => ({
    id: nameOf(service, id),
    ...(refused && { refused: refused.code, detail: refused.message }),
    ...(settlement && {
      letters: settlement.letters.map((letter) => ({ ...letter, id: nameOf(service, letter.id) })),
      left: settlement.left,
      ...(settlement.next !== undefined && { next: nameOf(service, settlement.next) }),
    }),
  }));
  return { text: lines.join('\n'), data, failed: results.some(({ settlement, refused }) => refused || !went(settlement!)) };
}

const said = {
  REPLAYED: 'replayed',
  DUPLICATE: 'had had its effect before, by another copy of the message: closed',
  FAILED: 'failed again',
  DISCARDED: 'discarded',
  ALREADY: 'was dealt with before: nothing was done',
} as const;

function linesOf(service: string, { letters, left, next }: Settlement): string[] {
  const lines = letters.map(({ id, outcome, error }) => {
    const line = `${nameOf(service, id)}  ${said[outcome]}${error ? `: ${short(error, 120)}` : ''}`;
    return outcome === 'FAILED' ? `✖ ${line}` : `✔ ${line}`;
  });
  const failed = letters.at(-1)!.outcome === 'FAILED';
  if (failed)
    lines.push(
      `  It stays open${left > 1 ? ` with ${left - 1} behind it` : ''}. Why: npm run dlq -- show ${nameOf(service, letters.at(-1)!.id)}`,
    );
  else if (left > 0 && next !== undefined)
    lines.push(`  ${count(left, 'letter')} of its key left: npm run dlq -- replay ${nameOf(service, next)}`);
  return lines;
}

function refusal(service: string, { code, message, problem }: RefusedError): string {
  if (code === 'DEAD_LETTER_WAITS')
    return `waits: npm run dlq -- replay ${nameOf(service, String(problem['first']))} comes first and takes it along`;
  if (code !== 'DEAD_LETTER_IS_COMMAND') return message;
  const { asker, sagaId } = problem as { asker?: string; sagaId?: string };
  const look = asker && sagaId ? `: npm run ops -- saga ${nameOf(asker, sagaId)}` : '';
  return `is a command: its saga was told that it failed and has gone on. Resume the saga if it is STUCK, which sends it anew${look}; then discard this letter`;
}

function only(command: string, words: readonly string[]): string {
  if (words.length !== 1) throw new ClusterError(`npm run dlq -- ${command} takes one id, such as payment-17`);
  return words[0]!;
}

function refuseWords(command: string, words: readonly string[]): void {
  if (words.length > 0) throw new ClusterError(`npm run dlq -- ${command} takes nothing more, and not "${words.join(' ')}"`);
}

export const dlqCommands = { list, show, replay, discard };
