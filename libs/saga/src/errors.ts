/** `resume` or `abandon` was asked for a saga that is not `STUCK`, or is not known. */
export class SagaNotStuckError extends Error {
  constructor(readonly sagaId: string) {
    super(`Saga ${sagaId} is not STUCK`);
    this.name = 'SagaNotStuckError';
  }
}

/** No saga of this service has the id, not even an archived one. */
export class SagaNotFoundError extends Error {
  constructor(readonly sagaId: string) {
    super(`There is no saga ${sagaId}`);
    this.name = 'SagaNotFoundError';
  }
}

/** A saga cannot be abandoned, since its `onRejected` fails: nobody would hear of its end. */
export class SagaNotClosedError extends Error {
  constructor(
    readonly sagaId: string,
    readonly code: string,
  ) {
    super(`The onRejected of saga ${sagaId} fails (${code}): mend it first`);
    this.name = 'SagaNotClosedError';
  }
}

/** A saga's definition is not among the `@Saga()` providers of this service. */
export class UnregisteredSagaError extends Error {
  constructor(readonly definition: string) {
    super(`No @Saga() provider of this service has the definition ${definition}: keep every version that has unfinished sagas`);
    this.name = 'UnregisteredSagaError';
  }
}
