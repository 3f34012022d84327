import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually, workspaceRoot } from '@ballast/testing';
import { CheckoutLoad, registerBuyers } from './load.js';
import { Prometheus } from './prometheus.js';

interface Dashboard {
  title: string;
  panels: { title: string; targets: { expr: string; legendFormat: string }[] }[];
}

const {
  GATEWAY_URL: gateway = 'http://127.0.0.1:8080',
  PROMETHEUS_URL = 'http://127.0.0.1:9090',
  JAEGER_URL: jaeger = 'http://127.0.0.1:16686',
} = process.env;
const prometheus = new Prometheus(PROMETHEUS_URL);
const infra = join(workspaceRoot(), 'infra');
const read = <T>(path: string) => JSON.parse(readFileSync(join(infra, path), 'utf8')) as T;
const dashboards = readdirSync(join(infra, 'grafana/dashboards')).map((file) => read<Dashboard>(`grafana/dashboards/${file}`));
const queries = dashboards.flatMap(({ title, panels }) =>
  panels.flatMap((panel) => panel.targets.map(({ expr, legendFormat }) => [title, panel.title, legendFormat, expr] as const)),
);
/** Rates need two scrapes, and span metrics are handed on every 10 s. */
const patience = { timeout: 120_000, interval: 2_000 };
let load: CheckoutLoad;

beforeAll(async () => {
  const buyers = await registerBuyers([gateway], 12);
  load = new CheckoutLoad(buyers, { rate: 3, sku: 'sku-007', tokens: ['tok_ok', 'tok_ok', 'tok_ok', 'tok_declined'] });
}, 120_000);
afterAll(() => load?.abandon(), 120_000);

it('Prometheus reaches everything that it is told of', async () => {
  await eventually(async () => expect(await prometheus.down()).toEqual([]), patience);
});

it.each(queries)('%s: %s, %s shows something', async (_title, _panel, _legend, query) => {
  await eventually(async () => expect(await prometheus.values(query)).toContainEqual(expect.any(Number)), patience);
});

it.each(Object.entries(read<Record<string, string[]>>('prometheus/exporters.json')))(
  '%s exports what it is listed with',
  async (_, names) => {
    const known = await prometheus.metricNames();
    expect(names.filter((name) => !known.has(name))).toEqual([]);
  },
);

it('the rules were read, and none fails', async () => {
  expect(await prometheus.brokenRules()).toEqual([]);
});

it('Jaeger shows each service’s rate, which it reads from Prometheus', async () => {
  await eventually(async () => {
    const query = new URLSearchParams({ lookback: '300000', step: '15000', ratePer: '60000', spanKind: 'server' });
    const response = await fetch(`${jaeger}/api/metrics/calls?service=cart&${query}`);
    const { metrics } = (await response.json()) as { metrics: { metricPoints: { gaugeValue: { doubleValue: number } }[] }[] };
    const points = metrics.flatMap(({ metricPoints }) => metricPoints.map(({ gaugeValue }) => gaugeValue.doubleValue));
    expect(points.some((value) => value > 0)).toBe(true);
  }, patience);
});
