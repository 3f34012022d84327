import { z } from 'zod';

/** A whole number in text, as of a query or the environment. Whatever is wrong with it, the message says what it should be. */
export function wholeNumber(min: number, max: number) {
  const error = `must be a whole number from ${min} to ${max}`;
  return z.coerce.number({ error }).int(error).min(min, error).max(max, error);
}
