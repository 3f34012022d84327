import { randomBytes } from 'node:crypto';
import { testService, type TestService } from '@ballast/service/testing';
import { testDatabase } from '@ballast/testing';
import service from '../service.js';
import { AuthModule, authParts } from '../src/auth.module.js';

export type TestDb = Awaited<ReturnType<typeof testDatabase>>;
export const KEY_SECRET = randomBytes(32).toString('base64');

/** A whole auth service on a database of its own; it checks tokens with its own keys. */
export async function startAuth(database: TestDb, settings: Record<string, unknown> = {}): Promise<TestService> {
  const config = { keySecret: KEY_SECRET, keyLifetimeDays: 30, ...settings };
  return testService(AuthModule, service, { ...authParts, database: database.config, config });
}

let next = 0;
export const newEmail = (): string => `person-${Date.now()}-${next++}@example.test`;
export const PASSWORD = 'correct horse battery';

export const post = (auth: TestService, path: string, body: unknown, headers: Record<string, string> = {}) =>
  auth.request(path, { method: 'POST', body, headers });
