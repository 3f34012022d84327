import { applyDecorators, Controller, SetMetadata, UseInterceptors } from '@nestjs/common';
import { Roles } from '../access.js';
import { AuditInterceptor } from './audit.interceptor.js';
import { OPERATOR, OPS, OPS_ROOT } from './ops-names.js';

/**
 * A controller of operator endpoints, under `/ops/v1/<path>` of the service's own port. The gateway sends nothing there. Only for
 * accounts with the role `operator`; a handler that is no GET takes an `@Audited() write: AuditedWrite` and does its work in
 * `write.run(…)`, or the service does not start.
 *
 *     @OpsController('reconciliation')
 *     export class ReconciliationController {
 *       @Post('runs')
 *       @Answers(201, runView)
 *       start(@Audited() write: AuditedWrite) {
 *         return write.run((tx, note) => this.reconciliation.start(tx));
 *       }
 *     }
 */
export const OpsController = (path: string): ClassDecorator =>
  applyDecorators(Controller(`${OPS_ROOT}/${path}`), Roles(OPERATOR), SetMetadata(OPS, path), UseInterceptors(AuditInterceptor));
