import { createRequire } from 'node:module';
import './kafkajs.queue.js';

interface Queue {
  push(request: { entry: object; expectResponse: boolean; sendRequest(): void }): void;
  fulfillRequest(response: { correlationId: number; payload: null; size: number }): void;
  maybeThrottle(ms: number): void;
}

const RequestQueue = createRequire(__filename)('kafkajs/src/network/requestQueue/index.js') as new (options: object) => Queue;

describe('the queue of requests of a connection of kafkajs', () => {
  const sent: number[] = [];
  let queue: Queue;

  beforeEach(() => {
    jest.useFakeTimers();
    sent.length = 0;
    const nothing = () => undefined;
    queue = new RequestQueue({
      maxInFlightRequests: 1,
      requestTimeout: 1_000,
      enforceRequestTimeout: false,
      clientId: 'test',
      broker: 'test',
      logger: { debug: nothing, warn: nothing },
      isConnected: () => true,
    });
  });
  afterEach(() => jest.useRealTimers());

  const push = (correlationId: number) =>
    queue.push({
      entry: { correlationId, apiName: 'Test', apiKey: 0, apiVersion: 0, resolve: () => undefined, reject: () => undefined },
      expectResponse: true,
      sendRequest: () => sent.push(correlationId),
    });
  const answer = (correlationId: number) => queue.fulfillRequest({ correlationId, payload: null, size: 0 });

  it('sets no timer while nothing waits to be sent', () => {
    push(1);
    answer(1);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('sends what waits when its turn comes, and rests then', () => {
    push(1);
    push(2);
    expect(sent).toEqual([1]);
    answer(1);
    expect(sent).toEqual([1, 2]);
    answer(2);
    jest.runAllTimers();
    expect(jest.getTimerCount()).toBe(0);
  });

  it('sends what a broker throttles as soon as it may', () => {
    queue.maybeThrottle(500);
    push(1);
    jest.advanceTimersByTime(499);
    expect(sent).toEqual([]);
    jest.advanceTimersByTime(11);
    expect(sent).toEqual([1]);
    jest.runAllTimers();
    expect(jest.getTimerCount()).toBe(0);
  });
});
