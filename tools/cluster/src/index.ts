export { type Cluster, type ClusterOptions, startCluster } from './cluster.js';
export { ClusterError } from './errors.js';
export type { Home } from './home.js';
export { LineProgress, type Progress, silentProgress } from './progress.js';
export { buy, type Purchase } from './purchase.js';
export { readRun, type RunFile } from './run-file.js';
export type { Accounts } from './seed.js';
export { startSteps } from './steps.js';
export type { SupervisedService } from './supervisor.js';
