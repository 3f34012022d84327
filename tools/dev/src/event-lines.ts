import { shownDiagnostic } from './diagnostics.js';
import type { ReloadEvent } from './reloader.js';

const width = 10;
const line = (who: string, what: string): string => `${who.padEnd(width)} ${what}`;

/** What happened, for a person: one line, or one per error. */
export function eventLines(event: ReloadEvent): string[] {
  if (event.kind === 'errors') {
    const { errors, held } = event;
    const shown = errors.slice(0, 10).map((error) => line('✖', shownDiagnostic(error)));
    const more = errors.length > shown.length ? [line('', `… and ${errors.length - shown.length} more errors`)] : [];
    return [
      ...shown,
      ...more,
      line(
        '',
        held.length > 0
          ? `not compiled: ${held.join(', ')} ${held.length > 1 ? 'go' : 'goes'} on as before`
          : 'no service is built from it',
      ),
    ];
  }
  if (event.kind === 'nothing') return [line('✔', `${event.mended ? 'compiles again' : filesOf(event.files)}: nothing to restart`)];
  const { name: service, files, seconds, away, failure } = event.outcome;
  const changed = `changed ${filesOf(files, `apps/${service}/`)}`;
  if (failure !== undefined) return [line(service, `${changed} ✖ ${failure}`), line('', 'it is down until the next change')];
  const without = away?.length ? `, still without ${away.join(', ')}` : '';
  return [line(service, `${changed} → serving again after ${seconds.toFixed(1)} s${without}`)];
}

/** `src/a.ts and 3 more`; a service's own files without its folder. */
function filesOf(files: readonly string[], own = ''): string {
  const [first = 'what it is built from', ...more] = files.map((file) => (own && file.startsWith(own) ? file.slice(own.length) : file));
  return more.length > 0 ? `${first} and ${more.length} more` : first;
}

/** What a change needs beyond a reload, if anything. */
export function restartNote(file: string, services: readonly string[]): string | undefined {
  if (file === 'package-lock.json') return line('!', 'package-lock.json changed: stop, and start npm run dev again, which installs');
  const [, app] = /^apps\/([^/]+)\/service\.ts$/.exec(file) ?? [];
  if (!app) return undefined;
  const what = services.includes(app) ? 'its port, routes, database and neighbours' : 'the new service';
  return line('!', `${file} changed: ${what} will be taken up when npm run dev is started again`);
}
