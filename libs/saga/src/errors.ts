/** `Sagas.resume` was asked for a saga that is not `STUCK`, or is not known. */
export class SagaNotStuckError extends Error {
  constructor(readonly sagaId: string) {
    super(`Saga ${sagaId} is not STUCK`);
    this.name = 'SagaNotStuckError';
  }
}

/** A saga's definition is not among the `@Saga()` providers of this service. */
export class UnregisteredSagaError extends Error {
  constructor(readonly definition: string) {
    super(`No @Saga() provider of this service has the definition ${definition}: keep every version that has unfinished sagas`);
    this.name = 'UnregisteredSagaError';
  }
}

/** A reply does not belong to the command that its saga sent: the step's command was changed without a new version. */
export class ReplyMismatchError extends Error {
  constructor(definition: string, step: string, expected: string, got: string) {
    super(`Saga ${definition}, step "${step}": awaits a reply to ${expected}, got one to ${got}`);
    this.name = 'ReplyMismatchError';
  }
}
