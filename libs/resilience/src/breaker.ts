import { CircuitState, ConsecutiveBreaker, circuitBreaker, handleWhen } from 'cockatiel';
import { BreakerOpenError } from './errors.js';
import { emit } from './events.js';

export type BreakerState = 'closed' | 'open' | 'half-open';

/** Work that was cancelled by its caller: it says nothing about the callee. */
export class Cancelled {
  constructor(readonly reason: unknown) {}
}

/** cockatiel's breaker with a stricter half-open state. */
export class Breaker {
  private readonly circuit;

  constructor(
    private readonly policy: string,
    failures: number,
    resetAfter: number,
  ) {
    // A probe that was cancelled proved nothing: without this, cockatiel would take it for a success and close.
    const counts = (error: unknown) => !(error instanceof Cancelled) || this.circuit.state === CircuitState.HalfOpen;
    this.circuit = circuitBreaker(handleWhen(counts), { halfOpenAfter: resetAfter, breaker: new ConsecutiveBreaker(failures) });
    this.circuit.onBreak(() => emit(policy, 'opened'));
    this.circuit.onHalfOpen(() => emit(policy, 'half-opened'));
    this.circuit.onReset(() => emit(policy, 'closed'));
  }

  get state(): BreakerState {
    if (this.circuit.state === CircuitState.Closed) return 'closed';
    return this.circuit.state === CircuitState.HalfOpen ? 'half-open' : 'open';
  }

  /** Runs `attempt` unless open: what it throws is counted, what it returns is a success. */
  async execute<T>(attempt: () => Promise<T>): Promise<T> {
    // While a probe runs, cockatiel lets the others wait and then go all at once: a stampede on a callee that just came back.
    if (this.circuit.state === CircuitState.HalfOpen) throw new BreakerOpenError(this.policy);
    let started = false;
    try {
      return await this.circuit.execute(() => {
        started = true;
        return attempt();
      });
    } catch (error) {
      throw started ? error : new BreakerOpenError(this.policy);
    }
  }
}
