import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { ClusterError } from '@ballast/cluster';
import { type Duration, duration } from '@ballast/resilience';
import { parse as parseYaml } from 'yaml';
import { z } from 'zod';
import { ACTIONS, type ActionName, type Experiment, faultsOf, type Step, type UndoName } from './experiment.js';
import { isInstance, isModule } from './recreate.js';
import { checkTarget } from './target-names.js';

const time = z.string().transform((text, context) => {
  try {
    return duration(text as Duration);
  } catch {
    context.addIssue({ code: 'custom', message: `"${text}" is no time: write 500ms, 4s or 30m` });
    return z.NEVER;
  }
});
const undos = [...new Set(Object.values(ACTIONS).filter((undo): undo is UndoName => undo !== 'none'))];

const sabotage = z.strictObject({ module: z.string(), services: z.array(z.string()).min(1) });

/** A step has one key, which says what is done, and its value what it is done to. */
const step: z.ZodType<Step> = z.record(z.string(), z.unknown()).transform((value, context): Step => {
  const [entry, ...more] = Object.entries(value);
  const wrong = (message: string) => (context.addIssue({ code: 'custom', message }), z.NEVER);
  if (!entry || more.length) return wrong('a step has one key: what is done');
  const [key, argument] = entry;
  if (key === 'wait' || key === 'until-acknowledged') {
    const ms = time.safeParse(argument);
    if (!ms.success) return wrong(`${key}: ${ms.error.issues[0]!.message}`);
    return key === 'wait' ? { wait: ms.data } : { untilAcknowledged: ms.data };
  }
  if (key === 'patroni') {
    const settings = z.record(z.string(), z.unknown()).safeParse(argument);
    return settings.success ? { patroni: settings.data } : wrong('patroni: wants settings');
  }
  if (key === 'together') {
    const steps = z.array(step).min(2).safeParse(argument);
    if (!steps.success) return wrong(`together: ${steps.error.issues[0]!.message}`);
    const together = faultsOf(steps.data);
    return together.length === steps.data.length ? { together } : wrong('together: takes faults alone');
  }
  if (key === 'sabotage') {
    const asked = sabotage.safeParse(argument);
    if (!asked.success) return wrong('sabotage: wants { services: [order-1, order-2], module: deadlines-run-on }');
    const { services, module } = asked.data;
    const unknown = services.find((name) => !isInstance(name));
    if (unknown !== undefined) return wrong(`sabotage: "${unknown}" is no instance of a service such as order-1`);
    return isModule(module) ? { sabotage: module, services } : wrong(`sabotage: there is no tools/chaos/sabotage/${module}.mjs`);
  }
  const target = String(argument);
  const unknown = checkTarget(target);
  if (key in ACTIONS) return unknown ? wrong(`${key}: ${unknown}`) : { do: key as ActionName, on: target };
  if (undos.includes(key as UndoName)) return unknown ? wrong(`${key}: ${unknown}`) : { undo: key as UndoName, on: target };
  if (key === 'commit-inside') return unknown ? wrong(`${key}: ${unknown}`) : { commitInside: target };
  const others = ['together', 'commit-inside', 'patroni', 'sabotage', 'wait', 'until-acknowledged'];
  return wrong(`"${key}" is no action: one of ${[...Object.keys(ACTIONS), ...undos, ...others].join(', ')}`);
});

const goals = z.strictObject({
  recovery: time.optional(),
  sagas: time.optional(),
  sagasWhenCoordinator: time.optional(),
  lost: z.literal(0).optional(),
  confirmed: z.literal('all').optional(),
  restarts: z.literal('none').optional(),
  primaries: z.literal(1).optional(),
  failed: z.enum(['none', 'refused']).optional(),
  failovers: z.literal(0).optional(),
});
const safeguard = z.strictObject({
  what: z.string().min(1),
  off: z.array(step).min(1),
  red: z.array(goals.keyof().exclude(['sagasWhenCoordinator'])).min(1),
});

const file = z
  .strictObject({
    title: z.string().min(1),
    trials: z.int().min(1),
    load: z.strictObject({ rate: z.number().positive().max(100), buyers: z.int().min(1).max(1_000) }),
    steadyState: z.strictObject({
      containers: z.literal('healthy'),
      postgres: z.literal('whole').optional(),
      kafka: z.literal('whole').optional(),
      checkouts: time,
      orders: time,
      back: time,
    }),
    method: z.array(step).min(1),
    rollback: z.array(step),
    goals,
    safeguards: z.record(z.string(), safeguard).default({}),
  })
  .superRefine((experiment, context) => {
    if (Object.keys(experiment.goals).length === 0)
      context.addIssue({ code: 'custom', path: ['goals'], message: 'an experiment without a goal shows nothing' });
    if (experiment.goals.sagasWhenCoordinator !== undefined && experiment.goals.sagas === undefined)
      context.addIssue({ code: 'custom', path: ['goals', 'sagasWhenCoordinator'], message: 'is nothing without sagas' });
    for (const [n, each] of experiment.method.entries())
      if ('undo' in each) context.addIssue({ code: 'custom', path: ['method', n], message: `${each.undo} belongs into the rollback` });
    for (const each of faultsOf(experiment.method)) {
      if (ACTIONS[each.do] === 'none') continue;
      if (!experiment.rollback.some((back) => 'undo' in back && back.undo === ACTIONS[each.do] && back.on === each.on))
        context.addIssue({
          code: 'custom',
          path: ['rollback'],
          message: `"${ACTIONS[each.do]}: ${each.on}" is missing, which brings back what "${each.do}" takes away`,
        });
    }
    for (const [n, each] of experiment.rollback.entries())
      for (const fault of faultsOf([each]))
        context.addIssue({ code: 'custom', path: ['rollback', n], message: `${fault.do} belongs into the method` });
    for (const part of ['method', 'rollback'] as const)
      for (const [n, each] of experiment[part].entries())
        if ('sabotage' in each) context.addIssue({ code: 'custom', path: [part, n], message: 'sabotage belongs into a safeguard' });
    for (const [name, { red }] of Object.entries(experiment.safeguards))
      for (const goal of red)
        if (!(goal in experiment.goals))
          context.addIssue({ code: 'custom', path: ['safeguards', name, 'red'], message: `${goal} is no goal of this experiment` });
  });

/** @throws {ClusterError} that names the file and every field that is wrong */
export function parseExperiment(path: string, text: string): Experiment {
  let content: unknown;
  try {
    content = parseYaml(text);
  } catch (error) {
    throw new ClusterError(`${path} is no YAML: ${(error as Error).message.split('\n')[0]}`, { cause: error });
  }
  const parsed = file.safeParse(content);
  if (parsed.success) return { name: basename(path, '.yml'), ...parsed.data } as Experiment;
  const lines = parsed.error.issues.map(({ path: field, message }) => `  ${field.join('.') || 'the whole'}: ${message}`);
  throw new ClusterError(`${path} is wrong:\n${lines.join('\n')}`);
}

/** Every experiment of a folder, by name. @throws {ClusterError} */
export function readExperiments(folder: string): Map<string, Experiment> {
  const files = readdirSync(folder).filter((name) => name.endsWith('.yml')).sort(); // prettier-ignore
  return new Map(
    files.map((name) => {
      const experiment = parseExperiment(join(folder, name), readFileSync(join(folder, name), 'utf8'));
      return [experiment.name, experiment];
    }),
  );
}
