import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { readRun } from '@ballast/cluster';
import { dropKafka, dropPostgres, eventually, workspaceRoot } from '@ballast/testing';

/** A copy of this workspace's sources with `npm run dev` on it: edits there touch nothing here. */
export class DevWorkspace {
  readonly directory = mkdtempSync(join(tmpdir(), 'ballast-dev-'));
  readonly home = join(this.directory, '.ballast');
  #process: ChildProcess | undefined;
  #output = '';
  #seen = 0;

  constructor() {
    const root = workspaceRoot();
    const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root, maxBuffer: 2 ** 26 });
    for (const file of listed
      .toString()
      .split('\0')
      .filter((name) => name && existsSync(join(root, name)))) {
      mkdirSync(dirname(join(this.directory, file)), { recursive: true });
      copyFileSync(join(root, file), join(this.directory, file));
    }
    linkPackages(root, this.directory);
    mkdirSync(join(this.home), { recursive: true });
    // Downloads of Kafka are the same for all.
    mkdirSync(join(root, '.ballast', 'kafka'), { recursive: true });
    symlinkSync(join(root, '.ballast', 'kafka'), join(this.home, 'kafka'));
  }

  /** Compiles the copy and starts `npm run dev` there; resolves when it watches. */
  async start(portOffset: number): Promise<void> {
    const tsc = join(this.directory, 'node_modules', 'typescript-native', 'bin', 'tsc');
    execFileSync(process.execPath, [tsc, '-b', 'tsconfig.build.json'], { cwd: this.directory, stdio: 'inherit' });
    const { KAFKA_BROKERS: _brokers, NODE_ENV: _env, ...env } = process.env;
    const dev = join(this.directory, 'tools', 'dev', 'dist', 'dev.js');
    const child = spawn(process.execPath, [dev, '--port-offset', String(portOffset), '--home', this.home], {
      cwd: this.directory,
      env: { ...env, OTEL_TRACES_EXPORTER: 'none' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#process = child;
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (this.#output += chunk.toString()));
    await this.says(/Ctrl-C stops everything/);
  }

  /** Waits until it prints something since the last time this was asked, and gives what it printed until then. */
  async says(text: RegExp): Promise<string> {
    return eventually(
      () => {
        const output = this.#output.slice(this.#seen);
        const found = text.exec(output);
        if (!found && this.#process?.exitCode != null) throw new Error(`npm run dev ended:\n${this.#output}`);
        if (!found) throw new Error(`it did not say ${text}:\n${output}`);
        this.#seen += found.index + found[0].length;
        return output.slice(0, found.index + found[0].length);
      },
      { timeout: 180_000, interval: 50 },
    );
  }

  /** Changes a file; it must hold what is to be replaced. */
  edit(file: string, from: string, to: string): void {
    const text = this.read(file);
    if (!text.includes(from)) throw new Error(`${file} has no "${from}"`);
    this.write(file, text.replace(from, to));
  }

  read(file: string): string {
    return readFileSync(join(this.directory, file), 'utf8');
  }

  write(file: string, text: string): void {
    writeFileSync(join(this.directory, file), text);
  }

  /** Puts a file there that is older than what was compiled last, as `mv` does. */
  age(file: string, text: string): void {
    const aside = join(this.directory, 'aside.txt');
    writeFileSync(aside, text);
    utimesSync(aside, new Date(0), new Date(0));
    renameSync(aside, join(this.directory, file));
  }

  remove(file: string): void {
    rmSync(join(this.directory, file));
  }

  /** The process of each service. */
  pids(): Record<string, number | undefined> {
    return Object.fromEntries(Object.entries(readRun(join(this.home, 'run.json'))?.services ?? {}).map(([name, { pid }]) => [name, pid]));
  }

  async stop(): Promise<void> {
    const child = this.#process;
    if (child && child.exitCode === null) {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await ended;
    }
    dropPostgres(join(this.home, 'data', 'postgres'));
    dropKafka(join(this.home, 'data', 'kafka'));
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** The same packages from the registry, but this copy's own workspace packages. */
function linkPackages(root: string, directory: string): void {
  const [from, to] = [root, directory].map((place) => join(place, 'node_modules')) as [string, string];
  mkdirSync(join(to, '@ballast'), { recursive: true });
  for (const name of readdirSync(from)) if (name !== '@ballast') symlinkSync(join(from, name), join(to, name));
  const grouped = ['libs', 'apps', 'tools'].flatMap((group) => readdirSync(join(directory, group)).map((name) => join(group, name)));
  for (const folder of [...grouped, 'e2e'].filter((name) => existsSync(join(directory, name, 'package.json')))) {
    symlinkSync(join(directory, folder), join(to, '@ballast', basename(folder)));
    // Where it needs another version of a package than the rest.
    const own = join(folder, 'node_modules');
    if (existsSync(join(root, own))) symlinkSync(join(root, own), join(directory, own));
  }
}
