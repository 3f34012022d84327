import type { z } from 'zod';
import type { ProblemError } from './problem.js';

export interface DocumentedAnswer {
  status: number;
  schema?: z.ZodType;
  problems?: ProblemError[];
}

export interface DocumentedHeader {
  name: string;
  schema: z.ZodType;
  problems: ProblemError[];
}

type Problems = readonly ((...values: never[]) => ProblemError)[];

const answers = new WeakMap<object, DocumentedAnswer>();
const headers = new WeakMap<object, DocumentedHeader>();

/**
 * What a route answers when it goes well, and the problems of its own that it may answer, for the OpenAPI document:
 * `@Answers(201, accountView, [errors.EMAIL_TAKEN])`. It checks nothing at run time.
 */
export function Answers(status: number, schema?: z.ZodType, problems: Problems = []): MethodDecorator {
  return (_target, _name, descriptor) => {
    answers.set(descriptor.value as object, { status, ...(schema && { schema }), problems: made(problems) });
  };
}

/**
 * For the maker of a parameter decorator that reads a header, given to Nest's `createParamDecorator(read, [RequiresHeader(…)])`: every
 * route that uses it has the header and its problems in the OpenAPI document.
 */
export function RequiresHeader(name: string, schema: z.ZodType, problems: Problems): ParameterDecorator {
  return (target, method) => {
    const handler = (target as Record<PropertyKey, object>)[method!]!;
    headers.set(handler, { name, schema, problems: made(problems) });
  };
}

export const answersOf = (handler: object): DocumentedAnswer | undefined => answers.get(handler);
export const headerOf = (handler: object): DocumentedHeader | undefined => headers.get(handler);

const made = (problems: Problems): ProblemError[] => problems.map((problem) => (problem as () => ProblemError)());
