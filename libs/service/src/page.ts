import { z } from 'zod';
import { platformErrors } from './platform.errors.js';
import { wholeNumber } from './whole-number.js';

const MAX_LIMIT = 100;

/** The query of a list: `@Query({ schema: pageQuery }) page: PageQuery`. 20 items unless told, at most 100. */
export const pageQuery = z.object({
  limit: wholeNumber(1, MAX_LIMIT).default(20),
  cursor: z.string().min(1).max(512).optional(),
});
export type PageQuery = z.output<typeof pageQuery>;

/** The answer of a list. */
export const pageOf = <S extends z.ZodType>(item: S) => z.object({ items: z.array(item), nextCursor: z.string().nullable() });

/** Cuts `rows` (read with `limit + 1`) to one page; `position` gives what the next page starts after. */
export function page<T>(rows: readonly T[], limit: number, position: (last: T) => string): { items: T[]; nextCursor: string | null } {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  return { items, nextCursor: rows.length > limit && last !== undefined ? encodeCursor(position(last)) : null };
}

const encodeCursor = (position: string): string => Buffer.from(position).toString('base64url');

/** The position a cursor stands for, checked by `schema`: a cursor comes from outside. 400 when it is none of ours. */
export function decodeCursor<S extends z.ZodType>(cursor: string | undefined, schema: S): z.output<S> | undefined {
  if (cursor === undefined) return undefined;
  const result = schema.safeParse(Buffer.from(cursor, 'base64url').toString());
  if (result.success) return result.data;
  throw platformErrors.VALIDATION_FAILED().with({ errors: [{ path: 'cursor', message: 'is not a cursor of this list' }] });
}
