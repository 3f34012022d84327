/** The parts of a message type such as `cart.checked-out.v1`. */
export interface TypeParts {
  service: string;
  name: string;
  version: number;
}

const TYPE = /^([a-z][a-z0-9-]*)\.([a-z][a-z0-9-]*)\.v([1-9][0-9]*)$/;

/** Splits `cart.checked-out.v1`; throws a `TypeError` when the text is not `<service>.<name>.v<n>`. */
export function parseType(type: string): TypeParts {
  const match = TYPE.exec(type);
  if (!match) throw new TypeError(`Message type "${type}" is not of the form <service>.<name>.v<n>, for example cart.checked-out.v1`);
  return { service: match[1]!, name: match[2]!, version: Number(match[3]) };
}

/** What a service tells the world. */
export const eventsTopic = (service: string): string => `${service}.events`;
/** What a service is asked to do. */
export const commandsTopic = (service: string): string => `${service}.commands`;
/** The answers to what a service asked of others. */
export const repliesTopic = (service: string): string => `${service}.replies`;
/** Where the messages of a topic go that could not be handled. */
export const deadLetterTopic = (topic: string): string => `${topic}.dlq`;

/** Every topic of every service has this many partitions; changing it re-keys a topic, see docs/adr. */
export const PARTITIONS = 12;
