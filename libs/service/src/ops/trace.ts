/** The trace id of a W3C `traceparent`. */
export const traceIdIn = (traceparent: string | null | undefined): string | undefined =>
  /^[0-9a-f]{2}-([0-9a-f]{32})-/.exec(traceparent ?? '')?.[1];
