import { Column, Entity, PrimaryColumn } from 'typeorm';

/** One sign-in: every refresh token that comes of it belongs to this family and ends with it. */
@Entity('refresh_family')
export class RefreshFamily {
  @PrimaryColumn('uuid')
  id: string;

  @Column('uuid', { name: 'account_id' })
  accountId: string;

  @Column('timestamptz', { name: 'expires_at' })
  expiresAt: Date;

  @Column('timestamptz', { name: 'ended_at', nullable: true })
  endedAt: Date | null;
}

/** A refresh token, as its SHA-256: the table gives nobody a token. */
@Entity('refresh_token')
export class RefreshToken {
  @PrimaryColumn('bytea')
  hash: Buffer;

  @Column('uuid', { name: 'family_id' })
  familyId: string;

  @Column('timestamptz', { name: 'spent_at', nullable: true })
  spentAt: Date | null;

  /** The successor's hash. */
  @Column('bytea', { nullable: true })
  successor: Buffer | null;

  /** With it and the spent token the successor can be made again. Erased when the successor is used. */
  @Column('bytea', { nullable: true })
  salt: Buffer | null;
}
