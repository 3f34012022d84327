import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { dropPostgres, eventually, workspaceRoot } from '@ballast/testing';

/** Beside the platform of the other end-to-end tests. */
const PORT_OFFSET = 23_000;
/** What every machine has: no java, no mvn, no docker. */
const TOOLS = ['sh', 'sleep', 'id'];

/** `npm start` on a machine where there is only Node. */
export class Alone {
  output = '';
  readonly home = mkdtempSync(join(tmpdir(), 'ballast-alone-'));
  readonly #exited: Promise<number | null>;
  readonly #child;

  constructor() {
    const { BALLAST_E2E_COLLECTOR: collector = '{}' } = process.env;
    const args = [join(workspaceRoot(), 'tools/cluster/dist/start.js'), '--home', this.home, '--port-offset', String(PORT_OFFSET)];
    this.#child = spawn(process.execPath, args, {
      env: { HOME: process.env['HOME'], PATH: this.#bareNode(), ...(JSON.parse(collector) as Record<string, string>) },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) stream.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    this.#exited = new Promise((resolve) => this.#child.once('close', resolve));
  }

  async up(): Promise<void> {
    await eventually(
      () => {
        if (this.#child.exitCode === null && !this.output.includes('Ctrl-C stops everything')) throw new Error(`not up:\n${this.output}`);
      },
      { timeout: 150_000 },
    );
    if (this.#child.exitCode !== null) throw new Error(`npm start ended:\n${this.output}`);
  }

  run(): { kafka: { kind: string; brokers: string[] }; services: Record<string, { pid: number; url: string }> } {
    return JSON.parse(readFileSync(join(this.home, 'run.json'), 'utf8'));
  }

  /** As Ctrl-C does; gives its exit code. */
  async stop(): Promise<number | null> {
    this.#child.kill('SIGINT');
    return this.#exited;
  }

  drop(): void {
    dropPostgres(join(this.home, 'data', 'postgres'));
    rmSync(this.home, { recursive: true, force: true });
  }

  /** A PATH of one folder, with links to Node and to what a shell is made of. */
  #bareNode(): string {
    const bin = join(this.home, 'bin');
    mkdirSync(bin);
    symlinkSync(process.execPath, join(bin, 'node'));
    for (const tool of TOOLS) {
      const found = (process.env['PATH'] ?? '').split(delimiter).find((folder) => existsSync(join(folder, tool)));
      if (found) symlinkSync(join(found, tool), join(bin, tool));
    }
    return bin;
  }
}
