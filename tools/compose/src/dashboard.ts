/** What a panel counts, in Grafana's words. */
export type Unit = 'reqps' | 's' | 'ms' | 'short' | 'percentunit' | 'bytes';

export interface Panel {
  title: string;
  unit: Unit;
  /** What it says that its title does not, and what is right. */
  description?: string;
  /** PromQL by its legend; `{{job}}` in a legend is the label's value. */
  queries: Record<string, string>;
}

export interface Dashboard {
  /** Part of its address, and its file's name. */
  uid: string;
  title: string;
  description: string;
  panels: readonly Panel[];
}

const COLUMNS = 24;
const WIDTH = 8;
const HEIGHT = 8;

/** A dashboard as Grafana reads it from a file: three panels in a row, in the order they are given. */
export function renderDashboard({ uid, title, description, panels }: Dashboard): string {
  const dashboard = {
    uid: `ballast-${uid}`,
    title: `Ballast · ${title}`,
    description,
    tags: ['ballast'],
    editable: false,
    schemaVersion: 39,
    time: { from: 'now-30m', to: 'now' },
    refresh: '10s',
    // The alerts that fire are drawn into every panel.
    annotations: {
      list: [
        {
          name: 'alerts',
          datasource: PROMETHEUS,
          enable: true,
          iconColor: 'red',
          expr: 'ALERTS{alertstate="firing"}',
          titleFormat: '{{alertname}} {{job}}',
        },
      ],
    },
    panels: panels.map(renderPanel),
  };
  return `${JSON.stringify(dashboard, null, 2)}\n`;
}

/** The name that infra/grafana/provisioning gives to Prometheus. */
const PROMETHEUS = { type: 'prometheus', uid: 'prometheus' };

function renderPanel({ title, unit, description, queries }: Panel, index: number): object {
  const perRow = COLUMNS / WIDTH;
  return {
    id: index + 1,
    type: 'timeseries',
    title,
    ...(description && { description }),
    datasource: PROMETHEUS,
    gridPos: { x: (index % perRow) * WIDTH, y: Math.floor(index / perRow) * HEIGHT, w: WIDTH, h: HEIGHT },
    fieldConfig: { defaults: { unit, min: 0, custom: { fillOpacity: 10, showPoints: 'never' } }, overrides: [] },
    options: { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi', sort: 'desc' } },
    targets: Object.entries(queries).map(([legend, expr], i) => ({
      refId: String.fromCharCode(65 + i),
      datasource: PROMETHEUS,
      expr,
      legendFormat: legend,
    })),
  };
}
