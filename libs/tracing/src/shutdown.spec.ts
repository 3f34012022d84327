import { trace } from '@opentelemetry/api';
import { shutdownTelemetry } from './index.js';

afterEach(() => {
  trace.disable();
  jest.useRealTimers();
});

const install = (shutdown: () => Promise<void>) => trace.setGlobalTracerProvider({ getTracer: () => null as never, shutdown } as never);

test('does nothing when tracing was never started', () => expect(shutdownTelemetry()).resolves.toBeUndefined());

test('waits until the last spans are sent', async () => {
  let sent = false;
  install(async () => {
    await new Promise((resolve) => setImmediate(resolve));
    sent = true;
  });
  await shutdownTelemetry();
  expect(sent).toBe(true);
});

test('a collector that hangs cannot hold it for more than 3 s', async () => {
  jest.useFakeTimers();
  install(() => new Promise(() => undefined));
  const done = jest.fn();
  void shutdownTelemetry().then(done);
  await jest.advanceTimersByTimeAsync(2_999);
  expect(done).not.toHaveBeenCalled();
  await jest.advanceTimersByTimeAsync(1);
  expect(done).toHaveBeenCalled();
});

test('a collector that is gone does not fail it', async () => {
  install(() => Promise.reject(new Error('ECONNREFUSED')));
  await expect(shutdownTelemetry()).resolves.toBeUndefined();
});
