import type { Tx } from '@ballast/database';
import type { AnyCommand, CommandDraft, FailureOf, HANDLER_FAILED } from '@ballast/message';
import type { z } from 'zod';
import type { AnySaga, SagaDefinition } from '../definition.js';
import { DEFAULT_RETRY, type RetryPolicy } from '../retry.js';
import { noTx } from './no-tx.js';
import { Scenario } from './scenario.js';

export interface GivenOptions {
  /** The saga's id. */
  id?: string;
  /** What local work gets. Without one, work that touches its transaction fails the test. */
  tx?: Tx;
  retry?: Partial<RetryPolicy>;
}

// A result may be left out where the contract's reply is empty.
// eslint-disable-next-line @typescript-eslint/no-empty-object-type -- asks whether an empty object is a whole reply
type ResultOf<D extends AnyCommand> = {} extends z.input<D['reply']> ? [result?: z.input<D['reply']>] : [result: z.input<D['reply']>];
type CodeOf<D extends AnyCommand> = FailureOf<D> | typeof HANDLER_FAILED;

/** What may happen to a command that was sent. */
export interface AwaitingReply<D extends AnyCommand> {
  succeeds(...result: ResultOf<D>): AfterReply;
  /** Refused with a code of its contract, or with `HANDLER_FAILED`. */
  fails(code: CodeOf<D>): AfterReply;
  /** No reply comes in time: it was lost, or is not there yet. */
  timesOut(): AfterReply;
  /** It succeeds, and says so twice; fails when the second reply changes the saga. */
  repliesTwice(...result: ResultOf<D>): AfterReply;
  /** The time-out comes first, then the reply that it succeeded. */
  repliesLate(...result: ResultOf<D>): AfterReply;
  /** It is refused at every try, until the saga is stuck. */
  keepsFailing(code: CodeOf<D>): AfterReply;
  /** No try is answered, until the saga is stuck. */
  keepsTimingOut(): AfterReply;
  /** The service restarts while the command is under way. */
  restarts(): AwaitingReply<D>;
}

export interface AfterReply {
  /** The next command, exactly. Local steps in between have been done; the pause before a retry is over. */
  expect<D extends AnyCommand>(command: CommandDraft<D>): AwaitingReply<D>;
  /** The service restarts here. */
  restarts(): AfterReply;
  /** The pause before local work is tried again is over. */
  waits(): AfterReply;
  /** Local work is tried again until the saga is stuck. */
  waitsUntilStuck(): AfterReply;
  /** An operator resumes the stuck saga. */
  resumes(): AfterReply;
  completed(): Promise<void>;
  /** Every compensation has finished, and `onRejected` after them. */
  rolledBack(): Promise<void>;
  stuck(): Promise<void>;
}

/**
 * Tests a saga as it reads, on the real engine, without a database. Await the end of the chain: that is what runs it. An error
 * points at the line of the chain that was not met, and shows what happened until then.
 *
 *     await given(checkout, state)
 *       .expect(reserveStock({ orderId, items })).succeeds()
 *       .expect(authorisePayment({ … })).fails('PAYMENT_DECLINED')
 *       .expect(releaseStock({ orderId })).succeeds()
 *       .rolledBack();
 */
export function given<S extends object>(definition: SagaDefinition<S>, state: S, options: GivenOptions = {}): AfterReply {
  const { id = '00000000-0000-7000-8000-000000000001', tx = noTx() } = options;
  const retry = { ...DEFAULT_RETRY, ...options.retry };
  const begin = () => new Scenario(definition as AnySaga, state, { id, tx, retry });
  return afterReply({ begin, script: [{ act: (scenario) => scenario.start(), line: new Error() }] });
}

interface Line {
  act: (scenario: Scenario) => unknown;
  /** Made where the test wrote the line, for the stack of its failure. */
  line: Error;
}

interface Script {
  begin: () => Scenario;
  script: readonly Line[];
}

const then = ({ begin, script }: Script, act: Line['act']): Script => ({ begin, script: [...script, { act, line: new Error() }] });

function afterReply(so: Script): AfterReply {
  return {
    expect: (command) => awaitingReply(then(so, (scenario) => scenario.expectSent(command))),
    restarts: () => afterReply(then(so, (scenario) => scenario.restart())),
    waits: () => afterReply(then(so, (scenario) => scenario.wait())),
    waitsUntilStuck: () => afterReply(then(so, (scenario) => scenario.waitUntilStuck())),
    resumes: () => afterReply(then(so, (scenario) => scenario.resume())),
    completed: () => run(then(so, (scenario) => scenario.expectStatus('COMPLETED'))),
    rolledBack: () => run(then(so, (scenario) => scenario.expectStatus('COMPENSATED'))),
    stuck: () => run(then(so, (scenario) => scenario.expectStatus('STUCK'))),
  };
}

function awaitingReply<D extends AnyCommand>(so: Script): AwaitingReply<D> {
  const next = (act: Line['act']) => afterReply(then(so, act));
  return {
    succeeds: (...[result]) => next((scenario) => scenario.succeed(result)),
    fails: (code) => next((scenario) => scenario.fails(code)),
    timesOut: () => next((scenario) => scenario.timeOut()),
    repliesTwice: (...[result]) => next((scenario) => scenario.replyTwice(result)),
    repliesLate: (...[result]) => next((scenario) => scenario.replyLate(result)),
    keepsFailing: (code) => next((scenario) => scenario.repeat(() => scenario.fails(code))),
    keepsTimingOut: () => next((scenario) => scenario.repeat(() => scenario.timeOut())),
    restarts: () => awaitingReply(then(so, (scenario) => scenario.restart())),
  };
}

async function run({ begin, script }: Script): Promise<void> {
  const scenario = begin();
  for (const { act, line } of script) {
    try {
      await act(scenario);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      // The stack of the chain's own line: where the test says what was not met.
      const frames = (line.stack ?? '')
        .split('\n')
        .slice(1)
        .filter((frame) => !/testing[\\/]given\.[jt]s/.test(frame));
      error.stack = [`${error.name}: ${error.message}`, ...frames].join('\n');
      throw error;
    }
  }
}
