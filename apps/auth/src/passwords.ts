import { policy } from '@ballast/resilience';
import { hash as argon2, verify } from '@node-rs/argon2';

/** OWASP's first choice for argon2id, which is what the library makes: 19 MiB, two passes, one lane. */
const OPTIONS = { memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;

/**
 * Each hash keeps one of libuv's threads busy for tens of milliseconds. Two at once leave the other two of the default four to
 * DNS and files; more than 64 waiting are turned away at once rather than late.
 */
const hashing = policy('argon2', { deadline: '15s', bulkhead: { limit: 2, queue: 64 } });

export const hashPassword = (password: string): Promise<string> => hashing.execute(() => argon2(password, OPTIONS));

/** Whether the password fits. Without a hash (no such account) it takes as long and says no, so that time tells nobody who has an account. */
export async function verifyPassword(hash: string | undefined, password: string): Promise<boolean> {
  const against = hash ?? (await (nobody ??= hashPassword('no account has this password')));
  const fits = await hashing.execute(() => verify(against, password));
  return fits && hash !== undefined;
}

let nobody: Promise<string> | undefined;
