import { findProgram, type Program } from './program.js';

const wanted = {
  name: 'promtool',
  image: 'prom/prometheus:v2.53.3',
  tests: 'The alerts are',
  install: '`apt-get install prometheus`, `brew install prometheus`, or the archive of Prometheus for your system.',
};

export const findPromtool = (folder: string): Promise<Program> => findProgram(wanted, folder);
