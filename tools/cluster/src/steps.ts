/** The steps of a start in the order they begin: what a progress display can show beforehand. */
export const startSteps = {
  kafka: 'Kafka',
  postgres: 'Postgres',
  databases: 'Databases and roles',
  traces: 'Traces',
  services: 'Services',
  gateway: 'Gateway',
  seed: 'Accounts and products',
  purchase: 'A purchase',
} as const;
