import { type ChildProcess, spawn } from 'node:child_process';
import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Diagnostic, parseDiagnostics } from './diagnostics.js';

/** Compiles the workspace as `npm start` does: TypeScript's native compiler, only what changed. A project with an error keeps its old output. */
export class Compiler {
  #child: ChildProcess | undefined;

  constructor(private readonly root: string) {}

  /** @returns the errors, none when all is compiled */
  async compile(): Promise<readonly Diagnostic[]> {
    const tsc = join(this.root, 'node_modules', 'typescript-native', 'bin', 'tsc');
    const child = spawn(process.execPath, [tsc, '-b', 'tsconfig.build.json', '--pretty', 'false'], {
      cwd: this.root,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text));
    const code = await new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve));
    if (code === 0) return [];
    const found = parseDiagnostics(output);
    return found.length > 0 ? found : [{ code: `exit ${code}`, message: output.trim() || 'the compiler ended without a word' }];
  }

  /**
   * The compiler goes by the files' times. One that was moved here from elsewhere, or written while it ran, is older than its
   * last output and would be passed over: without its notes it compiles the whole project.
   */
  distrust(file: string, project: string): void {
    const notes = join(this.root, project, 'dist', 'tsconfig.lib.tsbuildinfo');
    const [source, built] = [file, notes].map((path) => statSync(join(path === file ? this.root : '', path), { throwIfNoEntry: false }));
    if (source && built && source.mtimeMs <= built.mtimeMs) rmSync(notes, { force: true });
  }

  stop(): void {
    this.#child?.kill();
  }
}
