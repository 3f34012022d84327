import { ClusterError } from '@ballast/cluster';

/** A row of one service, as people name it: `payment-17`. */
export interface RowId {
  service: string;
  id: string;
}

export interface SagaId {
  /** Undefined when only the saga's own id was given: it is looked for in every service. */
  service: string | undefined;
  id: string;
}

const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';

/** @throws {ClusterError} for what is no id of a row */
export function parseRowId(text: string): RowId {
  const [, service, id] = /^([a-z][a-z0-9-]*)-([1-9]\d{0,17})$/.exec(text) ?? [];
  if (!service || !id) throw new ClusterError(`"${text}" is not an id: it names its service and a number, such as payment-17`);
  return { service, id };
}

/** `order-0199…` or, since it is unique anywhere, the UUID alone. @throws {ClusterError} */
export function parseSagaId(text: string): SagaId {
  const [, service, id] = new RegExp(`^(?:([a-z][a-z0-9-]*)-)?(${UUID})$`).exec(text.toLowerCase()) ?? [];
  if (!id) throw new ClusterError(`"${text}" is not the id of a saga: a UUID, such as the order's, with or without its service before it`);
  return { service, id };
}

export const nameOf = (service: string, id: string): string => `${service}-${id}`;
