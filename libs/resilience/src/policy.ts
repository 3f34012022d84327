import { AsyncLocalStorage } from 'node:async_hooks';
import { backoff } from './backoff.js';
import { Breaker, type BreakerState, Cancelled } from './breaker.js';
import { Bulkhead } from './bulkhead.js';
import { duration, type Duration } from './duration.js';
import { BreakerOpenError, BulkheadFullError, DeadlineExceededError } from './errors.js';
import { announce, emit } from './events.js';
import { RetryBudget } from './retry-budget.js';
import { openScope, orAborted, type Scope, sleep } from './scope.js';

export interface PolicyOptions {
  /** For the whole call: queueing, every attempt and the waits between them. */
  deadline?: Duration;
  /** For one attempt, from the moment it has its slot. */
  attemptTimeout?: Duration;
  /** `attempts` counts the first one too. Delays are `backoff`'s, 100 ms and 5 s unless given. */
  retry?: { attempts: number; initialDelay?: Duration; maxDelay?: Duration };
  /** Opens after that many failures in a row; lets one probe through after `resetAfter` (10 s). */
  breaker?: { failures: number; resetAfter?: Duration };
  /** How many attempts run at once; a number alone has no queue. */
  bulkhead?: number | { limit: number; queue: number };
  /** False for an answer that is merely unwelcome, e.g. a 4xx: not retried, not counted, thrown on. By default every error is a failure. */
  isFailure?: (error: unknown) => boolean;
}

export interface AttemptContext {
  /** Aborts at the deadline, at the attempt's time-out and when the caller gives up: pass it on to what you call. */
  signal: AbortSignal;
  /** 1 for the first. */
  attempt: number;
  /** ms until this attempt is given up, for a callee that takes a deadline; Infinity without one. */
  remaining(): number;
}

export interface Policy {
  readonly name: string;
  readonly state: BreakerState;
  /**
   * Runs `work` by the policy. Throws what the work threw, `DeadlineExceededError`, `BreakerOpenError`, `BulkheadFullError`, or the
   * reason of the caller's `signal`. Returns in time even when the work ignores its signal; the slot stays taken until it ends.
   */
  execute<T>(work: (context: AttemptContext) => Promise<T>, signal?: AbortSignal): Promise<T>;
}

/** Declares a policy: once, beside the only class that makes the call, since breaker, bulkhead and budget live in it. */
export function policy(name: string, options: PolicyOptions): Policy {
  return new ComposedPolicy(name, options);
}

const retriedByCaller = new AsyncLocalStorage<boolean>();

/** deadline → retry → bulkhead → breaker → attempt time-out → work; the README says why in this order. */
class ComposedPolicy implements Policy {
  private readonly deadline: number | undefined;
  private readonly attemptTimeout: number | undefined;
  private readonly attempts: number;
  private readonly delays: { initial: number; max: number };
  private readonly budget = new RetryBudget();
  private readonly breaker: Breaker | undefined;
  private readonly bulkhead: Bulkhead | undefined;

  constructor(
    readonly name: string,
    private readonly options: PolicyOptions,
  ) {
    announce(name);
    const { deadline, attemptTimeout, retry, breaker, bulkhead } = options;
    this.deadline = deadline === undefined ? undefined : duration(deadline);
    this.attemptTimeout = attemptTimeout === undefined ? undefined : duration(attemptTimeout);
    this.attempts = count(name, 'retry.attempts', retry?.attempts ?? 1);
    this.delays = { initial: duration(retry?.initialDelay ?? 100), max: duration(retry?.maxDelay ?? '5s') };
    if (breaker) this.breaker = new Breaker(name, count(name, 'breaker.failures', breaker.failures), duration(breaker.resetAfter ?? '10s'));
    if (bulkhead !== undefined) {
      const { limit, queue } = typeof bulkhead === 'number' ? { limit: bulkhead, queue: 0 } : bulkhead;
      this.bulkhead = new Bulkhead(name, count(name, 'bulkhead.limit', limit), queue);
    }
  }

  get state(): BreakerState {
    return this.breaker?.state ?? 'closed';
  }

  async execute<T>(work: (context: AttemptContext) => Promise<T>, signal?: AbortSignal): Promise<T> {
    const call = openScope(signal, this.deadline, (limit) => new DeadlineExceededError(this.name, limit));
    this.budget.deposit();
    try {
      const result = await this.retrying(work, call);
      emit(this.name, 'success');
      return result;
    } catch (error) {
      this.report(error, call);
      throw error;
    } finally {
      call.dispose();
    }
  }

  private async retrying<T>(work: (context: AttemptContext) => Promise<T>, call: Scope): Promise<T> {
    const attempts = retriedByCaller.getStore() ? 1 : this.attempts;
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.attempt(work, call, attempt);
      } catch (error) {
        if (call.signal.aborted) throw call.signal.reason;
        if (attempt >= attempts || !this.isFailure(error)) throw error;
        const delay = backoff(attempt, this.delays);
        if (delay >= call.remaining()) throw error;
        if (!this.budget.withdraw()) {
          emit(this.name, 'budget-exhausted');
          throw error;
        }
        emit(this.name, 'retry');
        await sleep(delay, call.signal);
      }
    }
  }

  private async attempt<T>(work: (context: AttemptContext) => Promise<T>, call: Scope, attempt: number): Promise<T> {
    const release = await this.bulkhead?.acquire(call.signal);
    let running: Promise<unknown> = Promise.resolve();
    try {
      call.signal.throwIfAborted();
      const start = () => this.start(work, call, attempt, (started) => (running = started));
      const outcome = await (this.breaker ? this.breaker.execute(start) : start());
      if ('refusal' in outcome) throw outcome.refusal;
      return outcome.value;
    } catch (error) {
      throw error instanceof Cancelled ? error.reason : error;
    } finally {
      // Not before the work has ended, and not before the breaker has heard of it: else the next in the queue slips past.
      if (release) running.then(release, release);
    }
  }

  /** Resolves for any answer, refusals included, and throws only what the breaker is to count, or `Cancelled`. */
  private async start<T>(
    work: (context: AttemptContext) => Promise<T>,
    call: Scope,
    attempt: number,
    onStart: (running: Promise<T>) => void,
  ): Promise<{ value: T } | { refusal: unknown }> {
    const limit = this.attemptTimeout;
    const scope = limit === undefined ? call : openScope(call.signal, limit, () => new DeadlineExceededError(this.name, limit, 'attempt'));
    const begin = async () => work({ signal: scope.signal, attempt, remaining: scope.remaining });
    // Noted only where it is news: on Node 20 the first note of all makes each promise of the process dearer from then on.
    const running = this.attempts > 1 && !retriedByCaller.getStore() ? retriedByCaller.run(true, begin) : begin();
    onStart(running);
    try {
      return { value: await orAborted(running, scope.signal) };
    } catch (error) {
      if (scope.signal.aborted && !(scope.signal.reason instanceof DeadlineExceededError)) throw new Cancelled(scope.signal.reason);
      if (scope.signal.aborted && !call.signal.aborted) emit(this.name, 'timeout');
      if (this.isFailure(error)) throw error;
      return { refusal: error };
    } finally {
      if (scope !== call) scope.dispose();
    }
  }

  /** A call that was turned away by a breaker or bulkhead, this one or one further in, never reached the callee: no failure of it. */
  private isFailure(error: unknown): boolean {
    if (error instanceof BreakerOpenError || error instanceof BulkheadFullError) return false;
    if (error instanceof DeadlineExceededError) return true;
    return this.options.isFailure?.(error) ?? true;
  }

  private report(error: unknown, call: Scope): void {
    const rejected = (error instanceof BreakerOpenError || error instanceof BulkheadFullError) && error.policy === this.name;
    if (rejected) return emit(this.name, 'rejected');
    if (call.signal.aborted && !(error instanceof DeadlineExceededError)) return;
    if (error instanceof DeadlineExceededError && error.scope === 'call' && error.policy === this.name) emit(this.name, 'timeout');
    emit(this.name, this.isFailure(error) ? 'failure' : 'success');
  }
}

function count(policy: string, option: string, value: number): number {
  if (!Number.isInteger(value) || value < 1) throw new TypeError(`${policy}: ${option} must be a whole number of at least 1`);
  return value;
}
