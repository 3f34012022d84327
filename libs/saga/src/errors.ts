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
