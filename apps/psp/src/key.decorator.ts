import { RequiresHeader } from '@ballast/service';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { errors } from './psp.errors.js';
import { key } from './psp.requests.js';

/** The merchant's own key of the call, from `Idempotency-Key`. It is unique for ever, not for a day. */
export const Key = createParamDecorator(readKey, [RequiresHeader('Idempotency-Key', key, [errors.KEY_REQUIRED, errors.KEY_REUSED])]);

function readKey(_: unknown, context: ExecutionContext): string {
  const { headers } = context.switchToHttp().getRequest<{ headers: Record<string, unknown> }>();
  const parsed = key.safeParse(headers['idempotency-key']);
  if (!parsed.success) throw errors.KEY_REQUIRED();
  return parsed.data;
}
