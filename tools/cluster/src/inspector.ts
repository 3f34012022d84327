const distance = 10_000;

/** Where a debugger reaches the service that listens on `port`: always the same, so that launch configurations can be committed. */
export const inspectorPort = (port: number): number => port + distance;
