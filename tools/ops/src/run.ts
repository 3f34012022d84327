import { ClusterError, messageOf } from '@ballast/cluster';
import { type Options, parseOptions } from './options.js';
import { OpsPlatform } from './platform.js';

/** What a command gives back: text for a person, the same as data for a program, and whether all went well. */
export interface Report {
  text: string;
  data: unknown;
  failed?: boolean;
}

/** A command, its words behind its name, and the platform it is for. */
export type Command = (platform: OpsPlatform, words: readonly string[], options: Options) => Promise<Report>;

/** Runs the command that the words name; prints what it gives, to the terminal or as JSON, and sets the exit code. */
export async function run(tool: string, help: string, commands: Readonly<Record<string, Command>>): Promise<void> {
  try {
    const options = parseOptions(process.argv.slice(2), process.env);
    if (options.help) return console.log(help);
    const [name, ...words] = options.words;
    const command = name !== undefined && Object.hasOwn(commands, name) ? commands[name] : undefined;
    if (!command) {
      const known = Object.keys(commands).join(', ');
      throw new ClusterError(
        name === undefined ? `Say what: npm run ${tool} -- ${known}; see --help` : `There is no command "${name}": one of ${known}`,
      );
    }
    const { text, data, failed } = await command(await OpsPlatform.open(options), words, options);
    console.log(options.json ? JSON.stringify(data, null, 2) : text);
    if (failed) process.exitCode = 1;
  } catch (error) {
    console.error(`ballast: ${messageOf(error)}`);
    process.exitCode = 1;
  }
}

/** Asks every service at once. One that does not answer is told beside what the others say. */
export async function askAll<T>(
  platform: OpsPlatform,
  ask: (client: OpsPlatform['services'][number]) => Promise<T>,
): Promise<{ answers: { service: string; answer: T }[]; trouble: string[] }> {
  const asked = await Promise.allSettled(platform.services.map(async (client) => ({ service: client.service, answer: await ask(client) })));
  const answers = asked.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  const trouble = [...new Set(asked.flatMap((each) => (each.status === 'rejected' ? [messageOf(each.reason)] : [])))];
  if (answers.length === 0 && trouble.length > 0) throw new ClusterError(trouble.join('\nballast: '));
  return { answers, trouble };
}

export const withTrouble = (lines: readonly string[], trouble: readonly string[]): string =>
  [...lines, ...trouble.map((line) => `✖ ${line}`)].join('\n');
