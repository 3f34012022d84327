import { messageOf } from './errors.js';
import { runInForeground } from './foreground.js';
import { parseStart, startHelp } from './options.js';

/** `npm start`: brings the platform up, says what there is, and keeps it up until Ctrl-C. */
async function main(): Promise<void> {
  const { help, options } = parseStart(process.argv.slice(2), process.env);
  if (help) return console.log(startHelp);
  await runInForeground(options, async () => {
    console.log('npm run demo buys again, npm run demo -- --token tok_declined shows a compensation. Ctrl-C stops everything.');
  });
}

main().catch((error: unknown) => {
  console.error(`ballast: ${messageOf(error)}`);
  process.exit(1);
});
