import { pathToFileURL } from 'node:url';
import { bootstrapTogether, type ServiceApp } from '@ballast/service';

/** What the starter tells of each service: the file that says what it is, and what it would get as a process of its own. */
export interface Told {
  name: string;
  app: string;
  env: Record<string, string>;
  logs: string;
}

const told = JSON.parse(process.env['BALLAST_TOGETHER'] ?? '[]') as Told[];
await bootstrapTogether(
  told.map(({ name, app, env, logs }) => ({
    ...{ name, env, logs },
    load: async () => ((await import(pathToFileURL(app).href)) as { default: ServiceApp }).default,
  })),
);
