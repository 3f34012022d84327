/** Per second, over a minute: six scrapes. */
export const rate = (series: string): string => `rate(${series}[1m])`;
export const quantile = (q: number, histogram: string, ...by: string[]): string =>
  `histogram_quantile(${q}, sum by (${['le', ...by].join(', ')}) (${rate(histogram)}))`;
/** 0 where there is the whole and none of the part, instead of nothing. */
export const orZero = (part: string, whole: string): string => `${part} or 0 * ${whole}`;

export const REQUESTS = 'ballast_http_request_duration_seconds';
export const requestsBy = (labels: string, filter = '') => `sum by (${labels}) (${rate(`${REQUESTS}_count${filter}`)})`;
export const CHECKOUT = 'ballast_checkout_duration_seconds_bucket';
