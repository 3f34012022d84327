/** What a card processor's sandbox promises of one of its test tokens. Any token it does not know is declined. */
export interface Behaviour {
  /** The code with which an authorisation is refused; captures, refunds and cancellations of it never get that far. */
  readonly decline?: string;
  /** The code with which every capture is refused; the authorisation holds the money until it is cancelled. */
  readonly captureDecline?: string;
  /** How long each answer takes, in ms. */
  readonly delay: number;
  /** How many first calls with a key fail with a 500 before anything is done. */
  readonly failures: number;
  /** The work is done, then the connection is dropped: the caller has to ask. */
  readonly drops: boolean;
}

const WELL: Behaviour = { delay: 0, failures: 0, drops: false };

const TOKENS: Readonly<Record<string, Behaviour>> = {
  tok_ok: WELL,
  tok_declined: { ...WELL, decline: 'declined' },
  tok_insufficient_funds: { ...WELL, decline: 'insufficient_funds' },
  tok_capture_declined: { ...WELL, captureDecline: 'declined' },
  tok_slow: { ...WELL, delay: 3_000 },
  tok_flaky: { ...WELL, failures: 2 },
  tok_unknown: { ...WELL, drops: true },
};

/** How calls for this token go. `null` is an operation of which no authorisation is known: nothing special happens. */
export function behaviourOf(token: string | null): Behaviour {
  if (token === null) return WELL;
  return Object.hasOwn(TOKENS, token) ? TOKENS[token]! : { ...WELL, decline: 'declined' };
}
