import { createLogger } from "@ballast/tracing";
import { run } from './run.js';
import { plan } from './scenario.js';
import { faultKinds } from './weather.js';

createLogger({ service: "simulator", level: "silent" });
const outcome = await run(plan(Number(process.argv[2] ?? 1), { orders: 25, faults: process.argv[3] === 'none' ? [] : faultKinds }), { verbose: true });
for (const { at, who, what } of process.argv.includes('-v') ? outcome.notes : []) console.log((at / 1000).toFixed(3).padStart(9), who.padEnd(12), what);
console.log(outcome.violations, outcome.digest, outcome.ends, outcome.struck, outcome.events, outcome.lasted);
