/** How a target may be named in an experiment. Those that are no container's name are looked up when the experiment runs. */
export const TARGETS = {
  'postgres primary': /^postgres primary$/,
  'postgres replicas': /^postgres replicas$/,
  'etcd leader': /^etcd leader$/,
  'etcd follower': /^etcd follower$/,
  'kafka leader of TOPIC': /^kafka leader of ([a-z]+\.[a-z]+)$/,
  'kafka coordinator of GROUP': /^kafka coordinator of ([a-z-]+)$/,
  'another kafka broker': /^another kafka broker$/,
  'one of A, B': /^one of ([a-z0-9-]+(?:, [a-z0-9-]+)*)$/,
  'all of A, B': /^all of ([a-z0-9-]+(?:, [a-z0-9-]+)*)$/,
  cores: /^cores$/,
  'cart-1': /^[a-z]+(?:-\d+)?$/,
} as const;
export type TargetForm = keyof typeof TARGETS;

/** What kind of target it is, and what stands in its place for capitals. */
export function readTarget(target: string): { form: TargetForm; argument: string } | undefined {
  for (const [form, pattern] of Object.entries(TARGETS)) {
    const match = pattern.exec(target);
    if (match) return { form: form as TargetForm, argument: match[1] ?? target };
  }
  return undefined;
}

/** Why it is no target; undefined when it is one. */
export function checkTarget(target: string): string | undefined {
  return readTarget(target) ? undefined : `"${target}" is no target: write one of ${Object.keys(TARGETS).join('; ')}`;
}
