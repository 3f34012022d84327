import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { dropKafka, dropPostgres, workspaceRoot } from '@ballast/testing';

/** Where a cluster keeps what outlives it. Git ignores it. */
export interface Home {
  readonly directory: string;
  readonly postgres: string;
  readonly kafka: string;
  readonly logs: string;
  /** Generated passwords and keys of services, 0600. */
  readonly secrets: string;
  /** The passwords of the merchant, the buyer and the operator, 0600. */
  readonly credentials: string;
  /** The accounts auth creates when it starts, 0600. */
  readonly bootstrap: string;
  /** What carried the messages of the services whose data is here. */
  readonly carrier: string;
  /** What runs now: the starter, the URLs, the processes. */
  readonly run: string;
  logOf(name: string): string;
}

/** The folders of a cluster; `.ballast` in the workspace by default. */
export function openHome(directory = join(workspaceRoot(), '.ballast')): Home {
  const logs = join(directory, 'logs');
  mkdirSync(logs, { recursive: true });
  return {
    directory,
    postgres: join(directory, 'data', 'postgres'),
    kafka: join(directory, 'data', 'kafka'),
    logs,
    secrets: join(directory, 'secrets.json'),
    credentials: join(directory, 'credentials.json'),
    bootstrap: join(directory, 'auth-bootstrap.json'),
    carrier: join(directory, 'data', 'carrier.json'),
    run: join(directory, 'run.json'),
    logOf: (name) => join(logs, `${name}.log`),
  };
}

/** Logs are of one run. */
export function dropLogs(home: Home): void {
  rmSync(home.logs, { recursive: true, force: true });
  mkdirSync(home.logs, { recursive: true });
}

/** Deletes data, logs, passwords and keys. Downloads and compiled files stay. Nothing may run there. */
export function dropHome(home: Home): void {
  dropPostgres(home.postgres);
  dropKafka(home.kafka);
  for (const path of [home.logs, home.secrets, home.credentials, home.bootstrap, home.carrier])
    rmSync(path, { recursive: true, force: true });
  mkdirSync(home.logs, { recursive: true });
}
