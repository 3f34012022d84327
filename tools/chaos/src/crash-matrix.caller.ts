import { setTimeout as sleep } from 'node:timers/promises';

const PAUSE = 250;

/**
 * Asks the processor for a key that it does not know, again and again. Payment, its one caller, waits longer with each call that fails, or is dead itself:
 * by its calls alone nobody would see when the processor answers again.
 */
export class Caller {
  private readonly running: Promise<void>;
  private over = false;

  constructor(
    private readonly url: string,
    private readonly apiKey: string,
  ) {
    this.running = this.run();
  }

  async stop(): Promise<void> {
    this.over = true;
    await this.running;
  }

  private async run(): Promise<void> {
    while (!this.over) {
      const options = { headers: { 'x-api-key': this.apiKey }, signal: AbortSignal.timeout(5_000) };
      await fetch(`${this.url}/v1/operations/none`, options).then(
        (answer) => answer.arrayBuffer(),
        () => undefined,
      );
      await sleep(PAUSE);
    }
  }
}
