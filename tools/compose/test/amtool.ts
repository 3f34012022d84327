import { findProgram, type Program } from './program.js';

const wanted = {
  name: 'amtool',
  image: 'prom/alertmanager:v0.28.1',
  tests: 'Who is told of an alert is',
  install: '`apt-get install prometheus-alertmanager`, or the archive of Alertmanager for your system.',
};

export const findAmtool = (folder: string): Promise<Program> => findProgram(wanted, folder);
