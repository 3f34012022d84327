import type { StatusReport } from './status-report.js';
import type { ServiceStatus } from './status-service.js';

/** The report as a person reads it: what runs, then what does not. */
export function statusTable(report: StatusReport): string {
  const { gateway, services, kafka, postgres, memoryBytes, trouble } = report;
  const rows = [
    ['', 'health', 'pid', 'up', 'restarts', 'outbox', 'lag', 'dead', 'sagas', 'MB', 'address'],
    ...services.map((service, index) => serviceRow(service, isShared(services, index))),
    row('gateway', gateway.up ? 'ok' : 'DOWN', report.pid, gateway.memoryBytes, gateway.url),
    ...postgres.map(({ name, role, pid, memoryBytes: bytes, port, lagBytes }) =>
      row(
        `postgres ${name}`,
        role === 'down' ? 'DOWN' : role,
        pid,
        bytes,
        `:${port}${lagBytes === undefined ? '' : `, ${bytesOf(lagBytes)} behind`}`,
      ),
    ),
    ...(kafka?.brokers ?? []).map(({ address, up }) => row('kafka', up ? 'ok' : 'DOWN', kafka?.pid, kafka?.memoryBytes, address)),
  ];
  const total = memoryBytes === undefined ? [] : ['', `${mb(memoryBytes)} MB PSS, all processes together`];
  return [...table(rows), ...total, ...trouble.map((line) => `✖ ${line}`)].join('\n');
}

function isShared(services: readonly ServiceStatus[], index: number): boolean {
  const { pid } = services[index]!;
  return pid !== undefined && services.findIndex((service) => service.pid === pid) < index;
}

/** `shared`: in the process of a service above, whose memory that is. */
function serviceRow(service: ServiceStatus, shared: boolean): string[] {
  const { name, health, away, pid, uptimeSeconds, restarts, outbox, lag, deadLetters, sagas, memoryBytes, url } = service;
  const state = away.length > 0 ? `${health}: no ${away.join(', ')}` : health;
  const waiting = outbox && (outbox.pending > 0 ? `${outbox.pending} (${duration(outbox.oldestSeconds)})` : '0');
  const stuck = sagas && (sagas.stuck > 0 ? `${sagas.unfinished} (${sagas.stuck} STUCK)` : String(sagas.unfinished));
  return [
    name,
    health === 'down' ? 'DOWN' : state,
    String(pid ?? '-'),
    uptimeSeconds === undefined ? '-' : duration(uptimeSeconds),
    String(restarts),
    waiting ?? '-',
    String(lag ?? '-'),
    String(deadLetters ?? '-'),
    stuck ?? '-',
    shared ? '″' : memoryBytes === undefined ? '-' : mb(memoryBytes),
    url,
  ];
}

function row(name: string, health: string, pid: number | undefined, bytes: number | undefined, address: string): string[] {
  return [name, health, String(pid ?? '-'), '', '', '', '', '', '', bytes === undefined ? '-' : mb(bytes), address];
}

/** Columns as wide as their widest cell; figures to the right. */
function table(rows: readonly string[][]): string[] {
  const right = new Set([2, 3, 4, 5, 6, 7, 8, 9]);
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((cells) => cells[column]!.length)));
  const cell = (text: string, column: number) => (right.has(column) ? text.padStart(widths[column]!) : text.padEnd(widths[column]!));
  return rows.map((cells) => cells.map(cell).join('  ').trimEnd());
}

const mb = (bytes: number): string => String(Math.round(bytes / 1024 / 1024));
const bytesOf = (bytes: number): string => (bytes < 10_240 ? `${bytes} bytes` : `${Math.round(bytes / 1024)} KB`);

/** `12s`, `3m`, `2h5m`. */
export function duration(seconds: number): string {
  if (seconds < 90) return `${Math.round(seconds)}s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes}m` : `${Math.floor(minutes / 60)}h${minutes % 60}m`;
}
