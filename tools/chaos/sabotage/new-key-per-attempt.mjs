// Each attempt at an authorisation has a key of its own: an answer that was not written down is charged again.
import { PspProvider } from '../../../apps/payment/dist/src/psp.provider.js';

const { authorise } = PspProvider.prototype;
PspProvider.prototype.authorise = async function (request, call) {
  if (call.repeated) await authorise.call(this, { ...request, key: `${request.key}:${Date.now()}` }, call);
  return authorise.call(this, request, call);
};
