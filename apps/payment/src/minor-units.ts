import type { ValueTransformer } from 'typeorm';

/** A bigint column of minor units as a number: the contracts keep every amount within 2^53. */
export const minorUnits: ValueTransformer = { to: (value: unknown) => value, from: (value: string) => Number(value) };
