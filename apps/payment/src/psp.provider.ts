import { BreakerOpenError, BulkheadFullError, policy, type Policy } from '@ballast/resilience';
import { CONFIG } from '@ballast/service';
import { Inject, Injectable } from '@nestjs/common';
import type { z } from 'zod';
import type { Config } from './config.js';
import { OutcomeUnknownError, PaymentProvider, type ProviderAnswer, type ProviderCall } from './payment.provider.js';
import { operation, psp, type Operation } from './psp.calls.js';

/**
 * One call to the processor. It has no retry: the intent's backoff is the one layer that tries again, since it outlives a
 * restart and waits as long as the processor is away. The deadline leaves room for its slowest answers (3 s), the bulkhead
 * for the workers of all four kinds at once, so that slow calls of one kind never keep another's waiting.
 */
export const processorPolicy = () =>
  policy('psp', {
    deadline: '5s',
    breaker: { failures: 10, resetAfter: '1s' },
    bulkhead: 80,
    isFailure: (error) => !(error instanceof RequestRefusedError),
  });
// Declared when the service is loaded, so that its metrics begin at 0.
const processor = processorPolicy();

/** The processor did not take the request as such (4xx): a mistake of ours or of the configuration, not an answer about money. */
class RequestRefusedError extends Error {
  constructor(path: string, status: number) {
    super(`the processor refused ${path} with ${status}`);
    this.name = 'RequestRefusedError';
  }
}

class ProcessorFailedError extends Error {
  constructor(path: string, status: number) {
    super(`the processor failed at ${path} with ${status}`);
    this.name = 'ProcessorFailedError';
  }
}

/** The sandbox processor over HTTP. An unknown outcome is resolved by asking for the key, never by guessing. */
@Injectable()
export class PspProvider extends PaymentProvider {
  /** Its breaker is the process's. A simulator, which plays several processes in one, gives each its own. */
  protected readonly processor: Policy = processor;

  constructor(@Inject(CONFIG) private readonly config: Config) {
    super();
  }

  authorise({ key, ...body }: Parameters<PaymentProvider['authorise']>[0], call: ProviderCall): Promise<ProviderAnswer> {
    return this.settle(psp.authorise, key, body, call);
  }

  capture({ key, ...body }: Parameters<PaymentProvider['capture']>[0], call: ProviderCall): Promise<ProviderAnswer> {
    return this.settle(psp.capture, key, body, call);
  }

  refund({ key, ...body }: Parameters<PaymentProvider['refund']>[0], call: ProviderCall): Promise<ProviderAnswer> {
    return this.settle(psp.refund, key, body, call);
  }

  cancel({ key, ...body }: Parameters<PaymentProvider['cancel']>[0], call: ProviderCall): Promise<ProviderAnswer> {
    return this.settle(psp.cancel, key, body, call);
  }

  private async settle<S extends z.ZodType>(
    { path, sends }: { path: string; sends: S },
    key: string,
    body: z.input<S>,
    { signal, repeated }: ProviderCall,
  ): Promise<ProviderAnswer> {
    const before = repeated ? await this.ask(key, signal) : undefined;
    return answerOf(key, before ?? (await this.send(path, key, sends.parse(body), signal)));
  }

  /** Sends, and asks when the answer was lost. A key the processor does not know was not acted upon: the next try sends it again. */
  private async send(path: string, key: string, body: unknown, signal: AbortSignal): Promise<Operation> {
    try {
      return (await this.call(path, { method: 'POST', headers: { 'idempotency-key': key }, body: JSON.stringify(body) }, signal))!;
    } catch (error) {
      if (wasNotSent(error) || error instanceof RequestRefusedError) throw error;
      const truth = await this.ask(key, signal);
      if (!truth) throw new OutcomeUnknownError(key, { cause: error });
      return truth;
    }
  }

  private ask(key: string, signal: AbortSignal): Promise<Operation | undefined> {
    return this.call(psp.ask.path.replace(':key', encodeURIComponent(key)), { method: 'GET' }, signal);
  }

  /** The processor's answer; nothing when it does not know what was asked for. */
  private call(
    path: string,
    request: { method: string; headers?: object; body?: string },
    signal: AbortSignal,
  ): Promise<Operation | undefined> {
    return this.processor.execute(async ({ signal }) => {
      const response = await fetch(new URL(path, this.config.pspUrl), {
        ...request,
        headers: { 'x-api-key': this.config.pspApiKey, ...(request.body && { 'content-type': 'application/json' }), ...request.headers },
        signal,
      });
      const text = await response.text();
      if (response.ok) return operation.parse(JSON.parse(text));
      if (response.status === 404 && request.method === 'GET') return undefined;
      if (response.status < 500) throw new RequestRefusedError(path, response.status);
      throw new ProcessorFailedError(path, response.status);
    }, signal);
  }
}

const wasNotSent = (error: unknown) => error instanceof BreakerOpenError || error instanceof BulkheadFullError;

function answerOf(key: string, { state, code }: Operation): ProviderAnswer {
  switch (state) {
    case 'succeeded':
      return { state: 'succeeded' };
    case 'failed':
      return { state: 'refused', code: code ?? 'unspecified' };
    case 'cancelled':
      return { state: 'refused', code: 'cancelled' };
    case 'processing':
      throw new OutcomeUnknownError(key);
  }
}
