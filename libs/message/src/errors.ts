/** A payload does not fit its schema. Names the fields, never their values: they may be personal. */
export class InvalidPayloadError extends Error {
  constructor(
    readonly type: string,
    readonly issues: readonly string[],
  ) {
    super(`${type} does not fit its schema: ${issues.join('; ')}`);
    this.name = 'InvalidPayloadError';
  }
}

/** A record on a topic is not a message of ours: a header is missing, or its value is not JSON. */
export class InvalidMessageError extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'InvalidMessageError';
  }
}
