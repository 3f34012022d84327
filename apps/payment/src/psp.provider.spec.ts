import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Config } from './config.js';
import { OutcomeUnknownError } from './payment.provider.js';
import { PspProvider } from './psp.provider.js';

type Step = (request: IncomingMessage, response: ServerResponse) => void;
const answers =
  (status: number, body: object = {}): Step =>
  (_, response) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
const drops: Step = (request) => request.socket.destroy();
const succeeded = answers(200, { state: 'succeeded' });
const unknown = answers(404);

describe('the psp provider', () => {
  let server: Server;
  let script: Step[];
  let seen: string[];
  let provider: PspProvider;

  beforeAll(async () => {
    server = createServer((request, response) => {
      seen.push(`${request.method} ${request.url} ${request.headers['idempotency-key'] ?? ''}`.trim());
      request.resume().on('end', () => (script.shift() ?? answers(500))(request, response));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const pspUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    provider = new PspProvider({ pspUrl, pspApiKey: 'a-key-of-a-test-only' } as Config);
  });
  afterAll(() => new Promise((resolve) => server.close(resolve).closeAllConnections()));
  beforeEach(() => (seen = []));

  const capture = (steps: Step[], { repeated = false, signal = new AbortController().signal } = {}) => {
    script = steps;
    const request = { key: 'p:capture', authorisation: 'p:authorise', amount: { amount: 1, currency: 'EUR' } };
    return provider.capture(request, { signal, repeated });
  };
  const sent = 'POST /v1/captures p:capture';
  const asked = 'GET /v1/operations/p%3Acapture';

  it('sends once when it is answered', async () => {
    await expect(capture([succeeded])).resolves.toEqual({ state: 'succeeded' });
    expect(seen).toEqual([sent]);
  });

  it.each([
    [{ state: 'failed', code: 'amount_exceeds_authorisation' }, 'amount_exceeds_authorisation'],
    [{ state: 'cancelled' }, 'cancelled'],
  ])('takes %j for a definite refusal', async (body, code) => {
    await expect(capture([answers(200, body)])).resolves.toEqual({ state: 'refused', code });
  });

  it.each([
    ['a dropped connection', drops],
    ['a 500', answers(500)],
    ['an answer that makes no sense', answers(200, { state: 'maybe' })],
  ])('asks after %s, and believes the truth', async (_, lost) => {
    await expect(capture([lost, succeeded])).resolves.toEqual({ state: 'succeeded' });
    await expect(capture([lost, answers(200, { state: 'failed', code: 'no' })])).resolves.toEqual({ state: 'refused', code: 'no' });
    expect(seen).toEqual([sent, asked, sent, asked]);
  });

  it.each([
    ['the key is not known', unknown],
    ['it is still at work', answers(200, { state: 'processing' })],
    ['nobody answers', drops],
  ])('does not guess when %s', async (_, truth) => {
    await expect(capture([drops, truth])).rejects.toThrow();
    expect(seen).toEqual([sent, asked]);
  });

  it('waits for an operation at work instead of sending it again', async () => {
    await expect(capture([answers(200, { state: 'processing' })], { repeated: true })).rejects.toThrow(OutcomeUnknownError);
    expect(seen).toEqual([asked]);
  });

  it('asks first when an earlier try may have arrived, and sends the same key again when it has not', async () => {
    await expect(capture([succeeded], { repeated: true })).resolves.toEqual({ state: 'succeeded' });
    await expect(capture([unknown, succeeded], { repeated: true })).resolves.toEqual({ state: 'succeeded' });
    expect(seen).toEqual([asked, asked, sent]);
  });

  it.each([400, 401, 422, 429])('takes a %d for a mistake, not for an answer about money', async (status) => {
    await expect(capture([answers(status)])).rejects.toThrow(`refused /v1/captures with ${status}`);
    expect(seen).toEqual([sent]);
  });

  it('gives up with the caller', async () => {
    const controller = new AbortController();
    const hangs: Step = () => controller.abort(new Error('stopped'));
    await expect(capture([hangs], { signal: controller.signal })).rejects.toThrow('stopped');
  });

  it('keeps the key and the card token out of its errors', async () => {
    script = [answers(400, { token: 'tok_secret' })];
    const request = { key: 'p:authorise', amount: { amount: 1, currency: 'EUR' }, token: 'tok_secret', reference: 'o' };
    const error = await provider.authorise(request, { signal: new AbortController().signal, repeated: false }).catch((e: Error) => e);
    expect(String(error)).not.toMatch(/tok_secret|a-key-of-a-test-only/);
  });
});
