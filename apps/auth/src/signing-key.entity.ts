import type { JWK } from 'jose';
import { Column, Entity, PrimaryColumn } from 'typeorm';

@Entity('signing_key')
export class SigningKey {
  @PrimaryColumn('text')
  kid: string;

  @Column('jsonb', { name: 'public_jwk' })
  publicJwk: JWK;

  /** The private part, encrypted under `AUTH_KEY_SECRET` (JWE, dir, A256GCM). */
  @Column('text', { name: 'sealed_private' })
  sealedPrivate: string;

  /** It signs from then on; until then it is only published, so that every service has it first. */
  @Column('timestamptz', { name: 'signs_from' })
  signsFrom: Date;

  /** Published until then: as long as a token it signed may live. Unset for the newest key. */
  @Column('timestamptz', { name: 'published_until', nullable: true })
  publishedUntil: Date | null;
}
