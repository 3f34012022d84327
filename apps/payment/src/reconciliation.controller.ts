import { Answers, Audited, decodeCursor, OpsController, page, pageOf, type AuditedWrite } from '@ballast/service';
import { Body, Get, HttpCode, Post, Query } from '@nestjs/common';
import { z } from 'zod';
import { ReconciliationRegister } from './reconciliation.register.js';
import {
  differencesQuery,
  differenceView,
  runRequest,
  stateView,
  type DifferencesQuery,
  type RunRequest,
} from './reconciliation.requests.js';

/** The register of differences, for the job that writes it and the people who work it off: docs/guides/reconciliation.md. */
@OpsController('reconciliation')
export class ReconciliationController {
  constructor(private readonly register: ReconciliationRegister) {}

  @Get()
  @Answers(200, stateView)
  state() {
    return this.register.state();
  }

  @Get('differences')
  @Answers(200, pageOf(differenceView))
  async differences(@Query({ schema: differencesQuery }) query: DifferencesQuery) {
    const rows = await this.register.list(query, decodeCursor(query.cursor, z.uuid()));
    return page(rows, query.limit, ({ id }) => id);
  }

  @Post('runs')
  @HttpCode(204)
  @Answers(204)
  record(@Body({ schema: runRequest }) run: RunRequest, @Audited() write: AuditedWrite): Promise<void> {
    return write.run(async (tx, note) => {
      const { scope, judged, differences, resolved } = run;
      note({ scope, judged, differences: differences.length, resolved: resolved.length });
      await this.register.record(tx, run);
    });
  }
}
