import { type FileHandle, open, stat } from 'node:fs/promises';
import { StringDecoder } from 'node:string_decoder';

const chunk = 256 * 1024;

/**
 * Reads a log that grows, line by line. It may not be there yet, be emptied, or be put aside for a new one: what was written to
 * the old one is read to its end first.
 */
export class LogTail {
  #handle: FileHandle | undefined;
  #inode: number | undefined;
  #position = 0;
  #rest = '';
  #decoder = new StringDecoder('utf8');

  constructor(readonly path: string) {}

  /** Passes over what is there by now. */
  async skip(): Promise<void> {
    if (await this.#open()) this.#position = (await this.#handle!.stat()).size;
  }

  /** The whole lines that were written since the last time. */
  async *lines(): AsyncGenerator<string> {
    if (!this.#handle && !(await this.#open())) return;
    yield* this.#toEnd();
    const now = await stat(this.path).catch(() => undefined);
    if (!now || now.ino === this.#inode) return;
    await this.close();
    if (await this.#open()) yield* this.#toEnd();
  }

  async close(): Promise<void> {
    await this.#handle?.close();
    this.#handle = undefined;
  }

  async #open(): Promise<boolean> {
    this.#handle = await open(this.path, 'r').catch(() => undefined);
    if (!this.#handle) return false;
    this.#inode = (await this.#handle.stat()).ino;
    this.#restart();
    return true;
  }

  async *#toEnd(): AsyncGenerator<string> {
    const handle = this.#handle!;
    if ((await handle.stat()).size < this.#position) this.#restart();
    const buffer = Buffer.alloc(chunk);
    for (;;) {
      const { bytesRead } = await handle.read(buffer, 0, chunk, this.#position);
      if (bytesRead === 0) return;
      this.#position += bytesRead;
      const lines = (this.#rest + this.#decoder.write(buffer.subarray(0, bytesRead))).split('\n');
      this.#rest = lines.pop()!;
      yield* lines;
    }
  }

  #restart(): void {
    this.#position = 0;
    this.#rest = '';
    this.#decoder = new StringDecoder('utf8');
  }
}
