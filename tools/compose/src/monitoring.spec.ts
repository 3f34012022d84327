import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { workspaceRoot } from '@ballast/testing';
import { parse } from 'yaml';
import { dashboards } from './dashboards.js';
import { metricsOf } from './promql.js';

interface Rule {
  alert?: string;
  record?: string;
  expr: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
}
interface RuleTests {
  tests: { alert_rule_test?: { alertname: string; exp_alerts: object[] }[] }[];
}

const root = workspaceRoot();
const list = (folder: string) => readdirSync(join(root, folder)).map((name) => join(folder, name));
const read = (path: string) => readFileSync(join(root, path), 'utf8');
const rules = list('infra/prometheus/rules').flatMap((file) =>
  (parse(read(file)) as { groups: { rules: Rule[] }[] }).groups.flatMap((g) => g.rules),
);
const alerts = rules.filter((rule): rule is Rule & { alert: string } => rule.alert !== undefined);
const names = [...new Set(alerts.map(({ alert }) => alert))].sort();
const kebab = (name: string) => name.replace(/(?<!^)(?=[A-Z])/g, '-').toLowerCase();

describe('alerts', () => {
  it('each name a runbook that is there, and no runbook is left over', () => {
    for (const { alert, annotations } of alerts)
      expect([alert, annotations?.['runbook']]).toEqual([alert, `docs/runbooks/${kebab(alert)}.md`]);
    const runbooks = list('docs/runbooks').filter((file) => !file.endsWith('README.md'));
    expect(runbooks.sort()).toEqual(names.map((name) => `docs/runbooks/${kebab(name)}.md`));
  });

  it.each(alerts.map((alert) => [alert.alert, alert] as const))(
    '%s says what is wrong and how urgent it is',
    (_, { labels, annotations }) => {
      expect(labels?.['severity']).toMatch(/^(page|ticket)$/);
      expect(annotations).toMatchObject({
        summary: expect.stringMatching(/\w/) as unknown,
        description: expect.stringMatching(/\.$/) as unknown,
      });
    },
  );

  it('that woke somebody hide a ticket of the same name only where it is about the same thing', () => {
    const { inhibit_rules: inhibitions } = parse(read('infra/alertmanager/alertmanager.yml')) as { inhibit_rules: { equal: string[] }[] };
    const severities = (name: string) => new Set(alerts.filter(({ alert }) => alert === name).map(({ labels }) => labels?.['severity']));
    for (const { alert, expr } of alerts.filter((each) => severities(each.alert).size > 1)) {
      const labels = [...expr.matchAll(/\bby \(([^)]*)\)/g)]
        .flatMap(([, list]) => list!.split(', '))
        .filter((label) => label !== 'severity');
      for (const { equal } of inhibitions) expect([alert, equal]).toEqual([alert, expect.arrayContaining(['alertname', ...labels])]);
    }
  });

  it('no runbook calls patronictl without the password that it needs', () => {
    for (const file of list('docs/runbooks')) expect([file, read(file)]).toEqual([file, expect.not.stringMatching(/patronictl [-\w]/)]);
  });

  it('each are shown to fire and to stay quiet: alerts.int.spec.ts runs these tests', () => {
    const tested = list('infra/prometheus/tests').flatMap((file) =>
      (parse(read(file), { merge: true }) as RuleTests).tests.flatMap((t) => t.alert_rule_test ?? []),
    );
    const which = (fires: boolean) => [...new Set(tested.filter((t) => t.exp_alerts.length > 0 === fires).map((t) => t.alertname))].sort();
    expect(which(true)).toEqual(names);
    expect(which(false)).toEqual(names);
  });
});

describe('every metric that an alert or a panel asks for', () => {
  const exporters = JSON.parse(read('infra/prometheus/exporters.json')) as Record<string, string[]>;
  const recorded = rules.flatMap(({ record }) => record ?? []);
  const known = new Set([...declaredMetrics(), ...recorded, ...Object.values(exporters).flat()]);
  const asked = [
    ...rules.map((rule) => [rule.alert ?? rule.record!, rule.expr] as const),
    ...dashboards.flatMap((d) =>
      d.panels.flatMap((panel) => Object.values(panel.queries).map((query) => [`${d.title}: ${panel.title}`, query] as const)),
    ),
  ];

  it.each(asked)('is one that our code, a rule or a known exporter gives: %s', (_, expression) => {
    expect(metricsOf(expression)).not.toEqual([]);
    expect(metricsOf(expression).filter((name) => !known.has(name))).toEqual([]);
  });

  it('and an exporter’s are listed only when somebody asks: e2e/src/dashboards.cluster.spec.ts finds each in a running cluster', () => {
    const used = new Set(asked.flatMap(([, expression]) => metricsOf(expression)));
    expect(
      Object.values(exporters)
        .flat()
        .filter((name) => !used.has(name)),
    ).toEqual([]);
  });
});

/** By the calls that make them, in libs and apps. */
function declaredMetrics(): string[] {
  const sources = ['libs', 'apps'].flatMap((kind) => list(kind)).flatMap((project) => sourcesIn(join(project, 'src')));
  return sources.flatMap((file) =>
    [...read(file).matchAll(/\b(counter|gauge|histogram)\(\s*'(\w+)'/g)].flatMap(([, kind, name]) =>
      kind === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name!],
    ),
  );
}

function sourcesIn(folder: string): string[] {
  const files = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' });
  return files.filter((file) => file.endsWith('.ts') && !file.endsWith('.spec.ts')).map((file) => join(folder, file));
}
