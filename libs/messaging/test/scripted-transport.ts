import type { WireRecord } from '@ballast/message';
import type { Transport } from '../src/index.js';

/** A broker that remembers what it was sent and does what a test tells it to. */
export class ScriptedTransport implements Transport {
  connected = true;
  consuming = true;
  writable = true;
  readonly sent: WireRecord[] = [];
  /** Called before each send; a throw is the broker's answer. */
  onSend: (records: WireRecord[]) => Promise<void> | void = () => undefined;
  /** Called when it has been taken. */
  onSent: (records: WireRecord[]) => void = () => undefined;

  async connect(): Promise<void> {}
  async whenConnected(): Promise<void> {}
  async close(): Promise<void> {}
  async subscribe(): Promise<never> {
    throw new Error('nobody subscribes here');
  }
  async send(records: WireRecord[]): Promise<void> {
    await this.onSend(records);
    this.sent.push(...records);
    this.onSent(records);
  }
  get keys(): string[] {
    return this.sent.map((record) => record.key);
  }
}

/** A promise and the way to settle it. */
export function gate(): { wait: Promise<void>; open: () => void } {
  let open!: () => void;
  const wait = new Promise<void>((resolve) => (open = resolve));
  return { wait, open };
}
