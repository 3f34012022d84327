import { Injectable } from '@nestjs/common';
import type { AnySaga } from './definition.js';
import { UnregisteredSagaError } from './errors.js';

/** The definitions that this service runs, by name; several versions of one saga side by side. */
@Injectable()
export class SagaRegistry {
  private readonly definitions = new Map<string, AnySaga>();

  /** `where` is the provider's class, for the error message. */
  add(definition: AnySaga, where: string): void {
    if (!definition.plan.steps.length) throw new Error(`@Saga() ${where}: ${definition.name} has no steps`);
    if (this.definitions.has(definition.name))
      throw new Error(`@Saga() ${where}: another provider has the definition ${definition.name} too; give a changed one the next version`);
    this.definitions.set(definition.name, definition);
  }

  get names(): string[] {
    return [...this.definitions.keys()];
  }

  has(name: string): boolean {
    return this.definitions.has(name);
  }

  /** Throws `UnregisteredSagaError`. */
  get(name: string): AnySaga {
    const definition = this.definitions.get(name);
    if (!definition) throw new UnregisteredSagaError(name);
    return definition;
  }
}
