import { systemClock } from './clock.js';
import { answersIn } from './platformatic.errors.js';

/** What brokers answer for a moment after a topic was made, after they started, or while something moves from one to another. */
const UNSETTLED = new Set([
  'UNKNOWN_TOPIC_OR_PARTITION',
  'LEADER_NOT_AVAILABLE',
  'NOT_LEADER_OR_FOLLOWER',
  'COORDINATOR_NOT_AVAILABLE',
  'COORDINATOR_LOAD_IN_PROGRESS',
]);
/** Short against a session: whoever waits for this may be a member that does not beat meanwhile. */
const PATIENCE = 3_000;
const EVERY = 100;

/** Tries again while the brokers are not of one mind yet; the last failure is the caller's. */
export async function whileUnsettled<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  for (const end = performance.now() + PATIENCE; ; await systemClock.sleep(EVERY, signal)) {
    try {
      return await work();
    } catch (error) {
      if (signal?.aborted || performance.now() > end || !answersIn(error).some((answer) => UNSETTLED.has(answer))) throw error;
    }
  }
}
