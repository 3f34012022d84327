import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { workspaceRoot } from '@ballast/testing';
import { parse } from 'yaml';
import { findAmtool, type Program } from './program.js';

type Labels = Record<string, string> & { severity: string };
interface RuleTests {
  tests: { alert_rule_test?: { alertname: string; exp_alerts: { exp_labels: Labels }[] }[] }[];
}

const config = 'alertmanager.yml';
const tests = join(workspaceRoot(), 'infra/prometheus/tests');
/** Each alert with the labels it fires with, as promtool's tests say; several of them may differ in other labels. */
const fired = readdirSync(tests)
  .map((file) => parse(readFileSync(join(tests, file), 'utf8'), { merge: true }) as RuleTests)
  .flatMap((file) => file.tests.flatMap((each) => each.alert_rule_test ?? []))
  .flatMap(({ alertname, exp_alerts }) => exp_alerts.map(({ exp_labels }) => ({ ...exp_labels, alertname })));
const alerts = [...new Map(fired.map((labels) => [`${labels.alertname} (${labels.severity})`, labels])).entries()];

let amtool: Program;
beforeAll(async () => {
  amtool = await findAmtool(join(workspaceRoot(), 'infra/alertmanager'));
}, 200_000);

/** Fails when others are told. */
const tells = (receiver: string, labels: Record<string, string>) =>
  amtool(
    ...['config', 'routes', 'test', `--config.file=${config}`, `--verify.receivers=${receiver}`],
    ...Object.entries(labels).map(([name, value]) => `${name}=${value}`),
  );

it('the routes, the receivers and what hides what are what Alertmanager understands', async () => {
  expect(await amtool('check-config', config)).toContain('SUCCESS');
});

it.each(alerts)('%s is told to whom its severity says, and to nobody else', async (_, labels) => {
  await tells(labels.severity, labels);
});

it('an alert that does not say how urgent it is opens a ticket', async () => {
  await tells('ticket', { alertname: 'Homemade' });
});
