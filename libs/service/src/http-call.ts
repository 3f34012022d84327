import { z } from 'zod';

/** A call to another service by HTTP: what is sent, and what is read of the answer. The caller parses with these very schemas. */
export interface HttpCall {
  /** The service that is called. */
  readonly to: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** As the other's controller has it: `/v1/operations/:key`. */
  readonly path: string;
  readonly sends?: z.ZodType;
  readonly reads?: z.ZodType;
}

/** What a token's signature is checked by; keys of other kinds are passed over. */
export const signingKey = z.object({
  kty: z.literal('OKP'),
  crv: z.literal('Ed25519'),
  x: z.string(),
  kid: z.string(),
  use: z.literal('sig').optional(),
});

/** The call that every service with a guard makes, to whom issues the access tokens. */
export const tokenKeysOf = (issuer: string): HttpCall => ({
  to: issuer,
  method: 'GET',
  path: `/${issuer}/.well-known/jwks.json`,
  reads: z.object({ keys: z.array(signingKey) }),
});
