import { dropKafka, dropPostgres, killChildren } from '@ballast/testing';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

export interface Scratch {
  readonly directory: string;
  /** Takes it away. Nothing may run in it any more. */
  drop(): void;
}

/** A temporary directory for servers, whose Postgres is in `postgres`, and Kafka in `kafka` beside it. It goes even when the process is ended without its `drop`. */
export function scratch(prefix: string, postgres: string): Scratch {
  const directory = mkdtempSync(join(tmpdir(), prefix));
  const drop = () => {
    process.off('exit', forced);
    try {
      dropKafka(join(directory, dirname(postgres), 'kafka'));
      dropPostgres(join(directory, postgres));
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  };
  // A second Ctrl-C, or an error that nobody caught.
  const forced = () => {
    killChildren();
    drop();
  };
  process.on('exit', forced);
  return { directory, drop };
}
