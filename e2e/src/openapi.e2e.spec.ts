import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { Operation, type OpenApi } from './openapi.js';
import { platform } from './platform.js';
import { problemFaults } from './problem.js';
import { Shopper } from './shop.js';

const { gateway, services, credentials, psp } = platform();
/** In ms, over all operations; the documents are as small as the platform, so each gets its share. */
const BUDGET = 15_000;
const seed = Number(process.env['BALLAST_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
/** Wrong passwords are counted by address: these come from another one than every other test's. */
const elsewhere = { 'x-forwarded-for': '198.51.100.9' };

let callers: Record<string, Record<string, string>>;
beforeAll(async () => {
  const buyer = { email: `fuzz-${randomUUID()}@example.test`, password: randomUUID() };
  const anonymous = Shopper.anonymous(gateway);
  await anonymous.post('/auth/accounts', buyer);
  const bearer = async (account: { email: string; password: string }) => {
    const { body } = await anonymous.post('/auth/sessions', account);
    return { ...elsewhere, authorization: `Bearer ${String(body['accessToken'])}` };
  };
  callers = { merchant: await bearer(credentials.merchant), buyer: await bearer(buyer), operator: await bearer(credentials.operator) };
});

/** `npm run fuzz` is the long form, by Schemathesis. */
describe.each(Object.keys(services))(`%s answers as its OpenAPI document says (BALLAST_SEED=${seed})`, (name) => {
  const own = Shopper.anonymous(services[name]!.url);
  let operations: Operation[];
  beforeAll(async () => void (operations = Operation.all((await own.get<OpenApi>('/docs/json')).body)));
  const headersOf = (): Record<string, string>[] => (name === 'psp' ? [{ 'x-api-key': psp.apiKey }] : Object.values(callers));

  it('to input that fits, and to input that does not', async () => {
    const until = Date.now() + BUDGET / Object.keys(services).length;
    const share = (until - Date.now()) / operations.length;
    let requests = 0;
    for (const [i, operation] of operations.entries()) {
      const deadline = until - share * (operations.length - i - 1);
      const input = operation.body
        ? fc.oneof(
            operation.validBody.map((body) => ({ body, fits: true })),
            operation.invalidBody.map((body) => ({ body, fits: false })),
          )
        : fc.constant({ body: undefined, fits: true });
      const property = fc.asyncProperty(operation.target, input, fc.nat(), async ({ path, headers }, { body, fits }, n) => {
        // Each operation is asked a few times at least, however slow the machine.
        if (Date.now() > deadline && requests > 0 && n % 4 > 0) return;
        const caller = headersOf()[n % headersOf().length]!;
        const answer = await own.send(operation.method, path, body, { ...headers, ...caller });
        requests += 1;
        const faults = operation.faultsOf(answer.status, answer.headers.get('content-type'), answer.body);
        if (!fits && answer.status < 400) faults.push(`took ${JSON.stringify(body)} with ${answer.status}`);
        if (answer.status >= 400) faults.push(...problemFaults(answer));
        expect([operation.name, path, ...faults]).toEqual([operation.name, path]);
      });
      await fc.assert(property, { seed, numRuns: 40, endOnFailure: true });
    }
    expect(requests).toBeGreaterThanOrEqual(operations.length);
  });

  it('and to nobody: 401 where a token is asked for', async () => {
    for (const operation of operations.filter((o) => o.isProtected || name === 'psp')) {
      // A NUL is refused whoever sends it: that answer is 400.
      const target = operation.target.filter((each) => !each.path.includes('%00'));
      const [{ path, headers }] = fc.sample(target, { seed, numRuns: 1 }) as [{ path: string; headers: Record<string, string> }];
      const answer = await own.send(operation.method, path, undefined, headers);
      expect([operation.name, answer.status, problemFaults(answer)]).toEqual([operation.name, 401, []]);
    }
  });
});
