import { Ajv, type ValidateFunction } from 'ajv';
import fc from 'fast-check';

export interface Schema {
  type?: string;
  nullable?: boolean;
  enum?: unknown[];
  anyOf?: Schema[];
  pattern?: string;
  format?: string;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
}
interface Parameter {
  name: string;
  in: 'path' | 'query' | 'header';
  required?: boolean;
  schema: Schema;
}
interface Content {
  [type: string]: { schema?: Schema };
}
interface OperationObject {
  parameters?: Parameter[];
  requestBody?: { content: Content };
  responses: Record<string, { content?: Content }>;
  security?: object[];
}
export interface OpenApi {
  paths: Record<string, Record<string, OperationObject>>;
  components?: { schemas?: Record<string, Schema> };
}

/** One operation of an OpenAPI document: what may be sent, and whether an answer is among those it documents. */
export class Operation {
  readonly body: Schema | undefined;
  readonly isProtected: boolean;
  private readonly isBody: ValidateFunction | undefined;
  private readonly answers = new Map<string, Map<string, ValidateFunction | undefined>>();

  constructor(
    readonly method: string,
    private readonly path: string,
    private readonly operation: OperationObject,
    document: OpenApi,
  ) {
    const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true });
    ajv.addSchema({ $id: 'document', components: document.components });
    const compile = (schema: Schema) => ajv.compile(JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"document#/')));
    this.body = operation.requestBody?.content['application/json']?.schema;
    this.isBody = this.body && compile(this.body);
    this.isProtected = (operation.security ?? []).length > 0;
    for (const [status, { content = {} }] of Object.entries(operation.responses))
      this.answers.set(status, new Map(Object.entries(content).map(([type, { schema }]) => [type, schema && compile(schema)])));
  }

  static all(document: OpenApi): Operation[] {
    return Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => new Operation(method.toUpperCase(), path, operation, document)),
    );
  }

  get name(): string {
    return `${this.method} ${this.path}`;
  }

  /** Path with query, and headers, as the document wants them. */
  get target(): fc.Arbitrary<{ path: string; headers: Record<string, string> }> {
    const parameters = this.operation.parameters ?? [];
    const given = parameters.map((p) => (p.required ? argument(p) : fc.option(argument(p), { nil: undefined })));
    return fc.tuple(...given).map((values) => {
      const query = new URLSearchParams();
      const headers: Record<string, string> = {};
      let path = this.path;
      for (const [i, { name, in: where }] of parameters.entries()) {
        const value = values[i] === undefined ? undefined : String(values[i]);
        if (value === undefined) continue;
        if (where === 'path') path = path.replace(`{${name}}`, encodeURIComponent(value));
        else if (where === 'query') query.set(name, value);
        else headers[name] = value;
      }
      return { path: query.size > 0 ? `${path}?${query}` : path, headers };
    });
  }

  get validBody(): fc.Arbitrary<unknown> {
    return this.body ? valueOf(this.body) : fc.constant(undefined);
  }

  /** Anything, or a right body with one member that is anything; never one that fits the schema. */
  get invalidBody(): fc.Arbitrary<unknown> {
    const names = Object.keys(this.body?.properties ?? {});
    const spoilt = fc
      .tuple(this.validBody, fc.constantFrom(...names), fc.jsonValue())
      .map(([body, name, value]) => ({ ...(body as object), [name]: value }));
    return fc.oneof(fc.jsonValue(), spoilt).filter((body) => !this.isBody?.(body));
  }

  /** How the answer differs from what the document says; empty when it does not. */
  faultsOf(status: number, contentType: string | null, body: unknown): string[] {
    const documented = this.answers.get(String(status));
    if (status >= 500) return [`${status}: ${JSON.stringify(body)}`];
    if (!documented) return [`status ${status} is not documented: ${JSON.stringify(body)}`];
    const type = contentType?.split(';')[0]?.trim();
    if (documented.size === 0) return [];
    if (!type || !documented.has(type)) return [`${status} with content type ${type} is not documented`];
    const validate = documented.get(type);
    return !validate || validate(body)
      ? []
      : (validate.errors ?? []).map(({ instancePath, message }) => `${status}${instancePath} ${message}`);
  }
}

/** What HTTP can carry there: a header is visible ASCII, and a client tidies away a path segment of dots. */
function argument({ in: where, schema }: Parameter): fc.Arbitrary<unknown> {
  if (where === 'header' && !schema.pattern) return fc.stringMatching(/^[\x21-\x7e]{1,60}$/);
  return where === 'path' ? valueOf(schema).filter((value) => !/^\.{0,2}$/.test(String(value))) : valueOf(schema);
}

/** Values that fit a schema. */
function valueOf(schema: Schema): fc.Arbitrary<unknown> {
  const value = notNull(schema);
  return schema.nullable ? fc.option(value) : value;
}

function notNull({ type, enum: values, anyOf, properties = {}, required = [], items, ...schema }: Schema): fc.Arbitrary<unknown> {
  if (values) return fc.constantFrom(...values);
  if (anyOf) return fc.oneof(...anyOf.map(valueOf));
  if (type === 'object') {
    const members = Object.fromEntries(Object.entries(properties).map(([name, member]) => [name, valueOf(member)]));
    return fc.record(members, { requiredKeys: required });
  }
  if (type === 'array') return fc.array(items ? valueOf(items) : fc.jsonValue(), { maxLength: 3 });
  if (type === 'integer')
    return fc.integer({ min: Math.max(schema.minimum ?? -1e9, -(2 ** 31)), max: Math.min(schema.maximum ?? 1e9, 2 ** 31 - 1) });
  if (type === 'number') return fc.double({ noNaN: true });
  if (type === 'boolean') return fc.boolean();
  if (schema.format === 'uuid') return fc.uuid();
  if (schema.pattern) return fc.stringMatching(new RegExp(schema.pattern));
  return fc.string({ unit: 'binary', minLength: schema.minLength ?? 1, maxLength: Math.min(schema.maxLength ?? 60, 60) });
}
