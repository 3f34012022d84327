/** Every place where a crash is interesting. One list, so that a test can ask whether each is in the code and is reached. */
export const FAILPOINTS = [
  'outbox.committed', // committed, not published
  'relay.sent', // published, not marked
  'inbox.applied', // effect done, not committed
  'inbox.committed', // effect committed, offset not
  'intent.claimed', // before the call outside
  'intent.performed', // the call outside has been answered, nothing is written down
  'intent.settled', // written down
  'saga.step.before', // of a step, of its undo, of the saga's `onRejected`
  'saga.step.after', // carried out, not committed
  'psp.recorded', // the processor has written the call down and does not answer
  'idempotency.kept', // the answer is kept, not committed
] as const;
export type Failpoint = (typeof FAILPOINTS)[number];

/** `kill`: SIGKILL to the own process; `stop`: SIGSTOP, until somebody sends SIGCONT. */
interface Armed {
  action: 'kill' | 'stop';
  /** Only there, for example at one step of a saga. */
  at?: string;
  /** The occurrence at which it acts. */
  hit: number;
}

const FORM = /^([a-z.]+)(?:\[([^\]]+)\])?=([a-z]+)(?:@(\d+))?$/;

/**
 * Reads `relay.sent=kill@3;saga.step.before[capture payment]=kill`: at the third time, at that step; once each.
 *
 * @throws TypeError that names the mistake
 */
export function parseFailpoints(text: string): Map<string, Armed[]> {
  const armed = new Map<string, Armed[]>();
  for (const part of text.split(';').filter((each) => each.trim() !== '')) {
    const [, name, at, action, hit = '1'] = FORM.exec(part.trim()) ?? [];
    if (!name) throw new TypeError(`BALLAST_FAILPOINTS: "${part}" is not of the form name=kill, name=stop@3 or name[where]=kill`);
    if (!FAILPOINTS.includes(name as Failpoint))
      throw new TypeError(`BALLAST_FAILPOINTS: there is no "${name}": one of ${FAILPOINTS.join(', ')}`);
    if (action !== 'kill' && action !== 'stop')
      throw new TypeError(`BALLAST_FAILPOINTS: "${action}" in "${part}" is neither kill nor stop`);
    if (Number(hit) < 1) throw new TypeError(`BALLAST_FAILPOINTS: "${part}" counts from 1`);
    armed.set(name, [...(armed.get(name) ?? []), { action, hit: Number(hit), ...(at && { at }) }]);
  }
  return armed;
}

/**
 * What the environment of the process asks for. Only that can arm a failpoint, and only at its start: no request, message or
 * configuration reaches it. In production it is refused, so that a service told to crash does not start.
 */
export function failpointsOf(env: Record<string, string | undefined>): Map<string, Armed[]> | undefined {
  const text = env['BALLAST_FAILPOINTS'];
  if (!text) return undefined;
  if (env['NODE_ENV'] === 'production')
    throw new TypeError('BALLAST_FAILPOINTS is set and NODE_ENV is production: this process would crash on purpose');
  const armed = parseFailpoints(text);
  process.stderr.write(`${JSON.stringify({ level: 'warn', msg: `this process crashes on purpose: BALLAST_FAILPOINTS=${text}` })}\n`);
  return armed;
}

// eslint-disable-next-line no-restricted-properties -- armed before any configuration is read, and by nothing else
const armed = failpointsOf(process.env);

/** A named place where a test may kill or stop this process. Without `BALLAST_FAILPOINTS` it does nothing. */
export const failpoint: (name: Failpoint, where?: string) => void = armed ? (name, where) => reach(armed, name, where) : () => undefined;

/** Counts, and acts when the time has come. The signal is sent by itself to itself, so nothing after this line runs. */
export function reach(
  points: Map<string, Armed[]>,
  name: Failpoint,
  where?: string,
  act: (signal: 'SIGKILL' | 'SIGSTOP') => unknown = (signal) => process.kill(process.pid, signal),
): void {
  for (const point of points.get(name) ?? []) {
    if (point.at !== undefined && point.at !== where) continue;
    if (--point.hit !== 0) continue;
    process.stderr.write(`${JSON.stringify({ level: 'warn', msg: `failpoint ${name}${where ? `[${where}]` : ''}: ${point.action}` })}\n`);
    act(point.action === 'kill' ? 'SIGKILL' : 'SIGSTOP');
  }
}
