import { StandardSchemaValidationPipe } from '@nestjs/common';
import { platformErrors } from './platform.errors.js';

const MAX_ISSUES = 50;
type Segment = PropertyKey | { readonly key: PropertyKey };

/** Checks what a route declares: `@Body({ schema })`, `@Query({ schema })`, `@Param('id', { schema })`. Names the fields, never their values. */
export function validationPipe(): StandardSchemaValidationPipe {
  return new StandardSchemaValidationPipe({
    exceptionFactory: (issues) =>
      platformErrors.VALIDATION_FAILED().with({
        errors: issues.slice(0, MAX_ISSUES).map(({ path, message }) => ({ path: (path ?? []).map(nameOf).join('.'), message })),
      }),
  });
}

const nameOf = (segment: Segment): string => String(typeof segment === 'object' ? segment.key : segment);
