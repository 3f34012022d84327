import { get, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { eventually } from '@ballast/testing';

export interface Told {
  event: string;
  id?: string;
  data: { step?: string; outcome?: string; at?: string; status?: string; reason?: string };
}

/** A client of server-sent events, that keeps all it was told. */
export class Listener {
  readonly events: Told[] = [];
  comments = 0;
  retry?: number;
  ended = false;
  /** When the answer began, in milliseconds after the request was sent. */
  answeredAfter = 0;
  private text = '';

  private constructor(private readonly response: IncomingMessage) {
    response.setEncoding('utf8').on('data', (chunk: string) => this.read(chunk));
    response.on('end', () => (this.ended = true)).on('error', () => undefined);
  }

  /** Resolves when the headers are here. */
  static open(url: string, token: string, lastEventId?: string): Promise<Listener> {
    const headers = { authorization: `Bearer ${token}`, ...(lastEventId !== undefined && { 'last-event-id': lastEventId }) };
    const sent = Date.now();
    return new Promise((resolve, reject) => {
      const request = get(url, { headers, agent: false }, (response) => {
        const listener = new Listener(response);
        listener.answeredAfter = Date.now() - sent;
        resolve(listener);
      });
      request.on('error', reject);
    });
  }

  get status(): number {
    return this.response.statusCode!;
  }

  get headers(): IncomingHttpHeaders {
    return this.response.headers;
  }

  /** The answer when it is no stream. */
  async problem(): Promise<{ code: string }> {
    await eventually(() => expect(this.ended).toBe(true));
    return JSON.parse(this.text) as { code: string };
  }

  get history(): string[] {
    return this.events.filter((e) => e.event === 'history').map((e) => `${e.data.step} ${e.data.outcome}`);
  }

  get ids(): (string | undefined)[] {
    return this.events.filter((e) => e.event === 'history').map((e) => e.id);
  }

  get statuses(): object[] {
    return this.events.filter((e) => e.event === 'status').map((e) => e.data);
  }

  /** Reads no more until `resume`. */
  pause(): void {
    this.response.pause();
  }

  leave(): void {
    this.response.destroy();
  }

  private read(chunk: string): void {
    this.text += chunk;
    if (this.headers['content-type'] !== 'text/event-stream') return;
    const blocks = this.text.split('\n\n');
    this.text = blocks.pop()!;
    for (const block of blocks) this.take(block);
  }

  private take(block: string): void {
    const fields = new Map(block.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]));
    if (fields.has('')) this.comments++;
    if (fields.has('retry')) this.retry = Number(fields.get('retry'));
    const [event, data, id] = [fields.get('event'), fields.get('data'), fields.get('id')];
    if (event && data) this.events.push({ event, data: JSON.parse(data) as Told['data'], ...(id && { id }) });
  }
}
