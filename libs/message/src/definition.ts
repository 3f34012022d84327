import { z } from 'zod';
import { InvalidPayloadError } from './errors.js';
import { commandsTopic, eventsTopic, parseType } from './topic.js';

/** A message that was built but not yet sent: what an outbox takes. Its payload has passed its schema. */
export interface EventDraft<D extends AnyEvent = AnyEvent> {
  readonly definition: D;
  /** Partition key: the aggregate's id. Messages of one key keep their order. */
  readonly key: string;
  readonly payload: PayloadOf<D>;
}

/** A command that was built but not yet sent. It has no key yet: the saga that sends it uses its own id. */
export interface CommandDraft<D extends AnyCommand = AnyCommand> {
  readonly definition: D;
  readonly payload: PayloadOf<D>;
}

interface Definition<Payload extends z.ZodType> {
  /** Full type, e.g. `cart.checked-out.v1`. */
  readonly type: string;
  /** The service that owns it: for an event its producer, for a command its receiver. */
  readonly service: string;
  readonly version: number;
  readonly topic: string;
  readonly payload: Payload;
}

/** An event as one consumer sees it: it cannot be published. */
export interface EventReader<Payload extends z.ZodType = z.ZodType> extends Definition<Payload> {
  readonly kind: 'event';
}

/** An event's contract. Call it with a payload to get a draft: `cartCheckedOut({ … })`. */
export interface EventDefinition<Payload extends z.ZodType = z.ZodType> extends EventReader<Payload> {
  (payload: z.input<Payload>): EventDraft<EventDefinition<Payload>>;
}

/** A command's contract: what it asks, what it answers, and the codes with which it may be refused. */
export interface CommandDefinition<
  Payload extends z.ZodType = z.ZodType,
  Reply extends z.ZodType = z.ZodType,
  Failure extends string = string,
> extends Definition<Payload> {
  readonly kind: 'command';
  readonly reply: Reply;
  readonly failures: readonly Failure[];
  (payload: z.input<Payload>): CommandDraft<CommandDefinition<Payload, Reply, Failure>>;
}

// `any` in these two positions makes every concrete definition assignable; a definition is callable, hence contravariant.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type AnyEvent = EventDefinition<any>;
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type AnyCommand = CommandDefinition<any, any, any>;
export type AnyDefinition = AnyEvent | AnyCommand;
/** An event as it is consumed: its contract, or what `reads()` leaves of it. */
export type AnyEventReader = EventReader<z.ZodType>;

/** The parsed payload of a definition. */
export type PayloadOf<D extends { payload: z.ZodType }> = z.output<D['payload']>;
/** The parsed result with which a command succeeds. */
export type ReplyOf<D extends AnyCommand> = z.output<D['reply']>;
/** The codes with which a command may be refused. */
export type FailureOf<D extends AnyCommand> = D['failures'][number];

/**
 * Declares an event. `key` picks the aggregate's id out of the payload.
 *
 *     export const cartCheckedOut = event('cart.checked-out.v1', { key: (p) => p.cartId, payload: z.object({ cartId: z.uuid() }) });
 */
export function event<Payload extends z.ZodType>(
  type: string,
  options: { payload: Payload; key: (payload: z.output<Payload>) => string },
): EventDefinition<Payload> {
  const { service, version } = parseType(type);
  const build = (input: z.input<Payload>): EventDraft<EventDefinition<Payload>> => {
    const payload = check(type, options.payload, input);
    return { definition, key: options.key(payload), payload };
  };
  const definition: EventDefinition<Payload> = Object.assign(build, {
    kind: 'event' as const,
    type,
    service,
    version,
    topic: eventsTopic(service),
    payload: options.payload,
  });
  return definition;
}

/**
 * Declares a command. Without `reply` it answers `{}`; without `failures` it can only fail for technical reasons.
 *
 *     export const reserveStock = command('inventory.reserve-stock.v1', { payload: …, failures: ['OUT_OF_STOCK'] });
 */
export function command<
  Payload extends z.ZodType,
  Reply extends z.ZodType = z.ZodObject<Record<never, never>>,
  const Failure extends string = never,
>(type: string, options: { payload: Payload; reply?: Reply; failures?: readonly Failure[] }): CommandDefinition<Payload, Reply, Failure> {
  const { service, version } = parseType(type);
  const build = (input: z.input<Payload>): CommandDraft<CommandDefinition<Payload, Reply, Failure>> => ({
    definition,
    payload: check(type, options.payload, input),
  });
  const definition: CommandDefinition<Payload, Reply, Failure> = Object.assign(build, {
    kind: 'command' as const,
    type,
    service,
    version,
    topic: commandsTopic(service),
    payload: options.payload,
    reply: options.reply ?? (z.object({}) as unknown as Reply),
    failures: options.failures ?? [],
  });
  return definition;
}

/** Parses `input`; throws `InvalidPayloadError` that names every wrong field. */
export function check<S extends z.ZodType>(type: string, schema: S, input: unknown): z.output<S> {
  const result = schema.safeParse(input);
  if (!result.success)
    throw new InvalidPayloadError(
      type,
      result.error.issues.map((i) => `${i.path.join('.') || '(root)'}: ${i.message}`),
    );
  return result.data;
}
