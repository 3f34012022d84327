import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

export type Availability = { available: true } | { available: false; reason: string };

/** Whether Docker's engine answers and the image is there or can be pulled within three minutes. */
export async function dockerImageAvailable(
  image: string,
  { log = () => undefined, signal }: { log?: (line: string) => void; signal?: AbortSignal } = {},
): Promise<Availability> {
  try {
    await run('docker', ['info', '--format', '{{.ServerVersion}}'], { timeout: 10_000, signal });
  } catch {
    return { available: false, reason: 'Docker does not answer' };
  }
  try {
    await run('docker', ['image', 'inspect', image], { signal });
    return { available: true };
  } catch {
    log(`pulling the image ${image}`);
  }
  try {
    await run('docker', ['pull', '--quiet', image], { timeout: 180_000, signal });
    return { available: true };
  } catch {
    return { available: false, reason: `Docker cannot pull ${image}` };
  }
}
