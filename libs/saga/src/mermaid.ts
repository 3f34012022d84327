import type { AnySaga } from './definition.js';

/**
 * The saga as a Mermaid flowchart, as GitHub renders it: steps downwards, each compensation beside its step, the pivot as a
 * hexagon. Dotted lines are what happens on a failure. The same definition always gives the same text.
 */
export function toMermaid(definition: AnySaga): string {
  const { steps, pivot = steps.length, onRejected } = definition.plan;
  const lines = ['flowchart TD', `  start([${quote(definition.name)}]) --> s0`];

  steps.forEach((step, i) => {
    const label = i === pivot ? `s${i}{{${quote(`pivot: ${step.name}`)}}}` : `s${i}[${quote(step.name)}]`;
    lines.push(`  ${label} --> ${i + 1 < steps.length ? `s${i + 1}` : 'completed'}`);
  });
  lines.push('  completed(["COMPLETED"])');

  const undoFrom = (index: number): string => {
    for (let i = index; i >= 0; i--) if (steps[i]?.undo) return `u${i}`;
    return 'rejected';
  };
  const canFail = steps.slice(0, pivot + 1);
  canFail.forEach((step, i) => {
    const refused = undoFrom(i - 1);
    // The outcome of a time-out is unknown, so it undoes the step itself; that of the pivot is asked for again.
    if (i === pivot || !step.undo) lines.push(`  s${i} -. ${i === pivot ? 'refused' : 'fails'} .-> ${refused}`);
    else lines.push(`  s${i} -. refused .-> ${refused}`, `  s${i} -. times out .-> u${i}`);
  });
  canFail.forEach((step, i) => {
    if (step.undo) lines.push(`  u${i}[/${quote(`undo: ${step.name}`)}/] --> ${undoFrom(i - 1)}`);
  });
  if (canFail.length) lines.push(`  rejected([${quote(onRejected ? 'COMPENSATED, onRejected' : 'COMPENSATED')}])`);
  return lines.join('\n') + '\n';
}

/** Mermaid has no escape for a quote inside quotes but its entity. */
const quote = (text: string) => `"${text.replaceAll('#', '#35;').replaceAll('"', '#quot;')}"`;
