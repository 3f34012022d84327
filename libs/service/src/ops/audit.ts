import { CommitUnknownError, Database, type TransactionOptions, type Tx } from '@ballast/database';
import { currentTraceId, logger, redact, scrub } from '@ballast/tracing';
import { createParamDecorator, type ExecutionContext, Inject, Injectable, Optional } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { type AccountClaims, callerOf } from '../access.js';
import { ProblemError } from '../problem.js';
import { toProblem } from '../problem-mapping.js';
import { AUDIT_KEEP } from './audit.migration.js';

/**
 * `DONE`: the effect and this row are one transaction. Nothing was changed: `REFUSED`, as the request did not fit, or `FAILED`, as
 * something broke. `UNKNOWN`: the answer to COMMIT was lost; if it happened, a `DONE` of the same trace is there too.
 */
export const auditOutcomes = ['DONE', 'REFUSED', 'FAILED', 'UNKNOWN'] as const;
export type AuditOutcome = (typeof auditOutcomes)[number];

/** Adds to what the audit says of a write: ids and counts, what was asked and what came of it. No personal data, no secrets. */
export type Note = (detail: Record<string, unknown>) => void;

/** A write that an operator asks for. */
export interface AuditedWrite {
  readonly operator: AccountClaims;
  /**
   * Runs `work` in a transaction of the service's database and writes its row of `ops_audit` in the same one: neither is there
   * without the other. Throws what `work` throws; the failure then has a row of its own. May be called more than once, for several
   * transactions. `work` may run again after a deadlock; what it noted before that is forgotten.
   */
  run<T>(work: (tx: Tx, note: Note) => Promise<T>, options?: TransactionOptions): Promise<T>;
}

interface Asked {
  accountId: string;
  method: string;
  path: string;
  /** The controller's path and the handler's name: `dead-letters.replay`. */
  what: string;
}

interface Came {
  outcome: AuditOutcome;
  code?: string;
  detail: Record<string, unknown>;
}

/** Who did what, and what came of it: a row of `ops_audit` and a line in the log for each write of an operator. */
@Injectable()
export class Audit {
  constructor(@Optional() @Inject(Database) private readonly database?: Database) {
    database?.retention.add({ table: 'ops_audit', since: 'at', keep: AUDIT_KEEP });
  }

  begin(request: FastifyRequest, what: string): WriteUnderWay {
    const operator = callerOf(request);
    if (!operator) throw new Error('an operator endpoint is never @Open()');
    const asked = { accountId: operator.accountId, method: request.method, path: request.url.split('?', 1)[0]!, what };
    const write = new WriteUnderWay(operator, asked, this.database);
    underWay.set(request, write);
    return write;
  }
}

const underWay = new WeakMap<FastifyRequest, WriteUnderWay>();
const audited = new WeakSet<object>();

/** One request that writes. */
export class WriteUnderWay implements AuditedWrite {
  private written = false;

  constructor(
    readonly operator: AccountClaims,
    private readonly asked: Asked,
    private readonly database: Database | undefined,
  ) {}

  async run<T>(work: (tx: Tx, note: Note) => Promise<T>, options?: TransactionOptions): Promise<T> {
    if (!this.database) throw new Error('an audited write needs a database: the service has none');
    let detail: Record<string, unknown> = {};
    const result = await this.database.transaction(async (tx) => {
      detail = {};
      const done = await work(tx, (more) => Object.assign(detail, more));
      await insert(tx, this.asked, { outcome: 'DONE', detail });
      return done;
    }, options);
    this.written = true;
    log(this.asked, { outcome: 'DONE', detail });
    return result;
  }

  /** Called when the handler has answered: one that changed nothing has a row, too. */
  async answered(): Promise<void> {
    if (!this.written) await this.note({ outcome: 'DONE', detail: {} });
  }

  /** Best effort: while the database is away the log alone tells. */
  async failed(error: unknown): Promise<void> {
    const { code, status } = toProblem(error);
    const outcome = error instanceof CommitUnknownError ? 'UNKNOWN' : status < 500 ? 'REFUSED' : 'FAILED';
    const detail = error instanceof ProblemError ? error.members : {};
    await this.note({ outcome, code, detail }).catch((reason: unknown) =>
      logger().warn({ reason: String(reason) }, 'a refused write has no row in the audit, only the line above'),
    );
  }

  private async note(came: Came): Promise<void> {
    log(this.asked, came);
    await this.database?.transaction((tx) => insert(tx, this.asked, came));
  }
}

async function insert(tx: Tx, { accountId, method, path, what }: Asked, { outcome, code, detail }: Came): Promise<void> {
  await tx.query(
    `INSERT INTO ops_audit (account_id, method, path, what, outcome, code, detail, trace_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [accountId, method, path, what, outcome, code ?? null, scrub(JSON.stringify(redact(detail))), currentTraceId() ?? null],
  );
}

function log(asked: Asked, { outcome, code, detail }: Came): void {
  logger().info({ audit: { ...asked, outcome, ...(code && { code }), ...detail } }, `operator: ${asked.what} ${outcome}`);
}

/** The write under way, as `AuditedWrite`. */
export const Audited = createParamDecorator(
  (_: unknown, context: ExecutionContext): AuditedWrite => {
    const write = underWay.get(context.switchToHttp().getRequest<FastifyRequest>());
    if (!write) throw new Error('@Audited() is for a handler of an @OpsController() that is no GET');
    return write;
  },
  [(target, method) => void audited.add((target as Record<PropertyKey, object>)[method!]!)],
);

export const isAudited = (handler: object): boolean => audited.has(handler);
