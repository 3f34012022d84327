import { metricsOf } from './promql.js';

it.each([
  ['up == 0', ['up']],
  ['sum by (job, topic) (ballast_consumer_lag) > 500', ['ballast_consumer_lag']],
  ['sum(rate(a_total{status=~"5..", up="b_total"}[5m] offset 10s)) by (job)', ['a_total']],
  ['histogram_quantile(0.99, sum by (le) (rate(a_bucket[1m])))', ['a_bucket']],
  ['(a:b:ratio1h > 14.4 * 0.001 and a:b:ratio5m > 1e-3) or vector(0)', ['a:b:ratio1h', 'a:b:ratio5m']],
  ['max(a) - on (instance) group_left (name) b > bool 2 unless c offset 1h', ['a', 'b', 'c']],
  ['a / a', ['a']],
])('%s asks for %j', (expression, metrics) => expect(metricsOf(expression)).toEqual(metrics));
