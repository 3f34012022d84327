import type { Measure, Side } from './figures.js';

/** How much is done: a quick run shows that all works, and is no figure to publish. */
export interface Scale {
  rounds: number;
  quick: boolean;
  /** Tells what goes on, in one line. */
  say(line: string): void;
  signal: AbortSignal;
}

/** Both sides in turns, A B A B: what changes about the machine meanwhile meets both. The first turn of each warms up and does not count. */
export async function inTurns(scale: Scale, what: string, sides: readonly [string, () => Promise<number>][]): Promise<Side[]> {
  const measured = sides.map(([name]): Side => ({ name, values: [] }));
  for (let round = 0; round <= scale.rounds; round++)
    for (const [place, [name, run]] of sides.entries()) {
      scale.signal.throwIfAborted();
      const value = await run();
      if (round > 0) measured[place]!.values.push(value);
      scale.say(`${what}: ${round === 0 ? 'warm-up' : `round ${round} of ${scale.rounds}`}, ${name} ${shown(value)}`);
    }
  return measured;
}

/** A warm-up goes on while a turn brings so much over the best before it, and three times in a row was not. */
const FASTER = 1.03;
const WARM_UPS = 15;

/**
 * Turns of one side until it gets no faster, and the speed of each: V8 compiles what runs often, and processes that share the work meet each
 * piece of code less often than one that does it all, so they take longer to reach their speed. A quick run has one turn.
 */
export async function warmUp(scale: Scale, name: string, run: () => Promise<number>): Promise<number[]> {
  const speeds: number[] = [];
  for (let [best, still] = [0, 0]; still < 3 && speeds.length < (scale.quick ? 1 : WARM_UPS);) {
    scale.signal.throwIfAborted();
    const speed = await run();
    speeds.push(speed);
    still = speed > best * FASTER ? 0 : still + 1;
    best = Math.max(best, speed);
    scale.say(`warm-up, ${name} ${shown(speed)}`);
  }
  return speeds;
}

/** Warms each side up; the speeds of all, to be printed. */
export async function warmUps(scale: Scale, sides: readonly [string, () => Promise<number>][]): Promise<string> {
  const speeds: string[] = [];
  for (const [name, run] of sides) speeds.push(`${name} ${(await warmUp(scale, name, run)).map(shown).join(', ')}`);
  return speeds.join('; ');
}

/** Several figures of each side's turn at once. */
export async function inTurnsOf<K extends string>(
  scale: Scale,
  what: string,
  sides: readonly [string, () => Promise<Record<K, number>>][],
): Promise<Record<K, Side[]>> {
  const all: [string, Record<K, number>[]][] = sides.map(([name]) => [name, []]);
  await inTurns(
    scale,
    what,
    sides.map(([name, run], place) => [
      name,
      async () => {
        const values = await run();
        all[place]![1].push(values);
        return Object.values<number>(values)[0]!;
      },
    ]),
  );
  const keys = Object.keys(all[0]![1][0]!) as K[];
  const sidesOf = (key: K): Side[] => all.map(([name, rounds]) => ({ name, values: rounds.slice(1).map((round) => round[key]) }));
  return Object.fromEntries(keys.map((key) => [key, sidesOf(key)])) as Record<K, Side[]>;
}

export const compared = (what: string, unit: string, [ours, theirs]: readonly Side[], goal?: Measure['goal']): Measure => ({
  ...{ what, unit, ours: ours! },
  ...(theirs && { theirs }),
  ...(goal && { goal }),
});

export const shown = (value: number): string =>
  value >= 1_000 ? Math.round(value).toLocaleString('en') : value >= 10 ? value.toFixed(1) : value.toFixed(2);
