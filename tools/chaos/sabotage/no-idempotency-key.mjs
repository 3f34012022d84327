// An Idempotency-Key is not looked up: a request that comes again has its effect again.
import { Answer, Idempotency } from '../../../libs/service/dist/index.js';

Idempotency.prototype.run = async function (tx, request, work) {
  const { status, body, headers } = await work();
  return new Answer(status, body, headers);
};
