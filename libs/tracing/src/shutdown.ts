import { ProxyTracerProvider, trace } from '@opentelemetry/api';

const LIMIT = 3_000;

/** Sends what spans are still buffered and stops the exporter; gives up after 3 s, so that a dead collector cannot hold a shutdown. Never throws. */
export async function shutdownTelemetry(): Promise<void> {
  const global = trace.getTracerProvider();
  const provider = global instanceof ProxyTracerProvider ? global.getDelegate() : global;
  if (!canShutDown(provider)) return;
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => (timer = setTimeout(resolve, LIMIT)));
  await Promise.race([provider.shutdown().catch(() => undefined), limit]);
  clearTimeout(timer);
}

function canShutDown(provider: object): provider is { shutdown(): Promise<void> } {
  return typeof (provider as { shutdown?: unknown }).shutdown === 'function';
}
