import type { AnyCommand, AnyDefinition, AnyEventReader } from '@ballast/message';
import type { HttpCall } from './http-call.js';

export { tokenKeysOf, type HttpCall } from './http-call.js';

/** What the platform has to know of a service: the cluster, the gateway, database roles and topics are read from it. */
export interface ServiceManifest {
  /** Folder, database, role, topic prefix and consumer group share this one noun. */
  readonly name: string;
  /** The port it has in `npm start`. */
  readonly port: number;
  /** Path prefixes the gateway sends here, for example `/cart`. */
  readonly routes: readonly string[];
  /** Whether it has a database of its own. */
  readonly database: boolean;
  /** The events it subscribes to, each with the fields it reads; see `reads` of @ballast/message. */
  readonly consumes: readonly AnyEventReader[];
  /** The commands it sends, each with what it reads of the answer; see `readsReply`. */
  readonly sends: readonly AnyCommand[];
  /** The contracts it speaks: give the whole list. Empty: the service uses no broker. */
  readonly messages: readonly AnyDefinition[];
  /** Services it calls by HTTP; they are started first. */
  readonly needs: readonly string[];
  /** Its HTTP calls to other services. */
  readonly calls: readonly HttpCall[];
}

export interface ServiceOptions {
  name: string;
  port: number;
  routes?: readonly string[];
  database: boolean;
  consumes?: readonly AnyEventReader[];
  sends?: readonly AnyCommand[];
  messages?: readonly AnyDefinition[];
  needs?: readonly string[];
  calls?: readonly HttpCall[];
}

/** Declares a service. Throws a `TypeError` for a declaration that could not work. */
export function defineService(options: ServiceOptions): ServiceManifest {
  const { name, port, routes = [], database, consumes = [], sends = [], messages = [], needs = [], calls = [] } = options;
  if (!/^[a-z][a-z0-9-]*$/.test(name)) throw new TypeError(`Service name "${name}" must be lower case letters, digits and dashes`);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new TypeError(`Service ${name}: port ${port} is not a port`);
  const badRoute = routes.find((route) => !/^\/[a-z0-9-]+$/.test(route));
  if (badRoute !== undefined) throw new TypeError(`Service ${name}: route "${badRoute}" must be one path segment such as /cart`);
  const unknown = [...consumes, ...sends].find(({ type }) => !messages.some((message) => message.type === type));
  if (unknown) throw new TypeError(`Service ${name} speaks ${unknown.type}: add \`messages\` from the contracts to its service.ts`);
  if (messages.length > 0 && !database) throw new TypeError(`Service ${name} speaks messages: its outbox and inbox need a database`);
  return Object.freeze({ name, port, routes, database, consumes, sends, messages, needs, calls });
}
