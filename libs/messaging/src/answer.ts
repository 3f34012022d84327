import type { AnyCommand, FailureOf, ReplyOf } from '@ballast/message';
import type { IntentDraft } from './intent.js';

/** A command's business refusal. What the handler wrote stays: a tombstone, for example. */
export class Refusal<Code extends string = string> {
  constructor(
    readonly code: Code,
    readonly message: string,
  ) {}
}

/** Answers a command with "failed" and one of its contract's codes; what the handler wrote is committed. */
export const refuse = <const Code extends string>(code: Code, message: string = code): Refusal<Code> => new Refusal(code, message);

/** Thrown by a command's handler: what it wrote is rolled back, then the command is answered with "failed" and the code. */
export class Refused extends Error {
  constructor(
    readonly code: string,
    message: string = code,
  ) {
    super(message);
    this.name = 'Refused';
  }
}

/** The command is answered later, when the intent has settled. */
export class Deferred {
  constructor(readonly draft: IntentDraft) {}
}

/** Hands a command over to an intent, written in the handler's own transaction: its reply is what the `@Perform` method settles with. */
export const defer = (draft: IntentDraft): Deferred => new Deferred(draft);

/** What a handler of the command may return: its result (nothing, where the contract's reply is empty), a refusal, or `defer(…)`. */
export type AnswerOf<D extends AnyCommand> =
  | ReplyOf<D>
  | Refusal<FailureOf<D>>
  | Deferred
  // eslint-disable-next-line @typescript-eslint/no-empty-object-type -- asks whether an empty object is a whole reply
  | ({} extends ReplyOf<D> ? void : never);
