import { z } from 'zod';

const characters = (text: string): number => [...text].length;
/** Two spellings of one address are one address. */
const email = z
  .string()
  .trim()
  .max(254)
  .transform((text) => text.normalize('NFC').toLowerCase())
  .pipe(z.email());
/** Normalised, so that a password typed on another keyboard is the same password. */
const normalised = (text: string) => text.normalize('NFC');

export const registration = z.object({
  email,
  password: z
    .string()
    .max(512)
    .transform(normalised)
    .refine((text) => characters(text) >= 10 && characters(text) <= 128, 'must have 10 to 128 characters'),
});
/** A sign-in does not say what passwords look like: a wrong one is wrong, whatever its length. */
export const credentials = z.object({ email, password: z.string().min(1).max(512).transform(normalised) });
export const refresh = z.object({ refreshToken: z.string().min(1).max(512) });

export type Credentials = z.output<typeof credentials>;

export const accountCreated = z.object({ accountId: z.uuid(), email: z.string() });
export const accountView = accountCreated.extend({ roles: z.array(z.string()) });
export const sessionTokens = z.object({
  accessToken: z.string(),
  tokenType: z.literal('Bearer'),
  expiresIn: z.int().describe('seconds'),
  refreshToken: z.string(),
});
export type SessionTokens = z.output<typeof sessionTokens>;
const publicKey = z.object({
  kty: z.literal('OKP'),
  crv: z.literal('Ed25519'),
  x: z.string(),
  kid: z.uuid(),
  use: z.literal('sig'),
  alg: z.literal('EdDSA'),
});
export const jwks = z.object({ keys: z.array(publicKey) });
