import { createHash } from 'node:crypto';
import { errors } from './auth.errors.js';

const WINDOW = 15 * 60_000;
/** Attempts at one account from one address. */
const PER_ACCOUNT = 10;
/** Attempts at any accounts from one address: a list of leaked passwords being tried. */
const PER_ADDRESS = 100;
const MAX_ENTRIES = 20_000;

interface Entry {
  attempts: number;
  until: number;
}

/**
 * Slows down guessing. Counted by address and by account with address, never by account alone: a stranger's failures lock
 * nobody out. A sign-in that works clears its account's count; one that came to no verdict, since the database was away, counts for nothing: else
 * an outage would lock out an office for what it never did. Kept in this process's memory, bounded.
 */
export class LoginThrottle {
  private readonly entries = new Map<string, Entry>();

  constructor(private readonly now: () => number = Date.now) {}

  /** Counts an attempt before the password is looked at, so that attempts at once are counted too. Throws 429 with `Retry-After`. */
  attempt(email: string, address: string): void {
    this.count(address, PER_ADDRESS);
    this.count(keyOf(email, address), PER_ACCOUNT);
  }

  succeeded(email: string, address: string): void {
    this.entries.delete(keyOf(email, address));
    this.takeBack(address);
  }

  /** Whether the password was right is not known. */
  undecided(email: string, address: string): void {
    this.takeBack(keyOf(email, address));
    this.takeBack(address);
  }

  private takeBack(key: string): void {
    const entry = this.entries.get(key);
    if (entry && entry.attempts > 0) entry.attempts--;
  }

  private count(key: string, limit: number): void {
    const now = this.now();
    const known = this.entries.get(key);
    const entry = known && known.until > now ? known : { attempts: 0, until: now + WINDOW };
    if (entry.attempts >= limit) throw errors.TOO_MANY_ATTEMPTS().retryAfter((entry.until - now) / 1000);
    entry.attempts++;
    this.entries.delete(key);
    this.entries.set(key, entry);
    if (this.entries.size > MAX_ENTRIES) this.entries.delete(this.entries.keys().next().value!);
  }
}

/** A hash: no list of addresses in memory. */
const keyOf = (email: string, address: string): string => createHash('sha256').update(`${email}\n${address}`).digest('base64');
