import type { z } from 'zod';
import type { ProblemError } from './problem.js';

export interface DocumentedAnswer {
  status: number;
  schema?: z.ZodType;
  problems?: ProblemError[];
}

const answers = new WeakMap<object, DocumentedAnswer>();

/**
 * What a route answers when it goes well, and the problems of its own that it may answer, for the OpenAPI document:
 * `@Answers(201, accountView, [errors.EMAIL_TAKEN])`. It checks nothing at run time.
 */
export function Answers(
  status: number,
  schema?: z.ZodType,
  problems: readonly ((...values: never[]) => ProblemError)[] = [],
): MethodDecorator {
  return (_target, _name, descriptor) => {
    const made = problems.map((problem) => (problem as () => ProblemError)());
    answers.set(descriptor.value as object, { status, ...(schema && { schema }), problems: made });
  };
}

export const answersOf = (handler: object): DocumentedAnswer | undefined => answers.get(handler);
