import { Process } from './process.js';
import type { World } from './world.js';

/** One of the instances of a service, through all its starts. */
export class Instance {
  process?: Process;
  private starts = 0;

  constructor(
    private readonly world: World,
    readonly service: string,
    /** `payment-1` */
    readonly name: string,
    private readonly boot: (process: Process, instance: Instance) => void,
  ) {}

  start(): void {
    if (this.process) return;
    this.process = new Process(this.world, this.name, ++this.starts);
    this.world.note(this.name, `starts${this.starts > 1 ? ' again' : ''}`);
    this.boot(this.process, this);
  }

  kill(): void {
    this.process?.kill();
    delete this.process;
  }
}
