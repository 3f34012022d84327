import { z } from 'zod';

/** Which fields of `T` are read: `true` for a whole field, an object for a part of it. On a list it speaks of each element. */
export type Fields<T> = T extends readonly (infer E)[]
  ? Fields<E>
  : T extends object
    ? { readonly [K in keyof T]?: true | Fields<NonNullable<T[K]>> }
    : never;

/** What is left of `T` when only the selected fields are kept. */
export type Selected<T, S> = S extends true
  ? T
  : T extends readonly (infer E)[]
    ? Selected<E, S>[]
    : T extends object
      ? { [K in keyof Pick<T, keyof T & keyof S>]: Selected<T[K], S[K & keyof S]> }
      : T;

/** Refuses a field that `T` does not have. */
export type Known<T, S> = S & { readonly [K in Exclude<keyof S, keyof T>]: never };

type Selection = true | { readonly [field: string]: Selection | undefined };

/** `schema` with only the selected fields, whose own rules stay. Throws a `TypeError` for a field that it does not have. */
export function narrow(schema: z.ZodType, selection: Selection, path = ''): z.ZodType {
  if (selection === true) return schema;
  if (schema instanceof z.ZodOptional) return narrow(schema.unwrap() as z.ZodType, selection, path).optional();
  if (schema instanceof z.ZodNullable) return narrow(schema.unwrap() as z.ZodType, selection, path).nullable();
  if (schema instanceof z.ZodArray)
    return schema.clone({ ...schema.def, element: narrow(schema.element as z.ZodType, selection, `${path}[]`) });
  if (!(schema instanceof z.ZodObject))
    throw new TypeError(`${path || 'the payload'} has no fields to choose from: select it whole, with true`);
  const shape = schema.shape as Record<string, z.ZodType>;
  return z.object(
    Object.fromEntries(
      Object.entries(selection).flatMap(([name, part]) => {
        const at = path ? `${path}.${name}` : name;
        if (part === undefined) return [];
        if (!shape[name]) throw new TypeError(`there is no field ${at}; there are ${Object.keys(shape).join(', ')}`);
        return [[name, narrow(shape[name], part, at)] as const];
      }),
    ),
  );
}
