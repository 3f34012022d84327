// A process that starts others and prints what came of it as one line of JSON; a test then kills it. See child.spec.ts.
import { register } from 'node:module';

register('../src/jest/typescript-hook.mjs', import.meta.url);
const { startChild, startKafka, startPostgres } = await import('../src/index.ts');
const [, , what, directory] = process.argv;

switch (what) {
  case 'children': {
    const polite = await startChild('polite', 'sleep', ['60']);
    const deaf = await startChild('deaf', 'sh', ['-c', `trap '' TERM; while :; do sleep 0.05; done`], { grace: 1_000 });
    print([polite.pid, deaf.pid]);
    break;
  }
  case 'infrastructure': {
    const [postgres, kafka] = await Promise.all([
      startPostgres({ directory: `${directory}/postgres` }),
      startKafka({ directory: `${directory}/kafka`, choose: 'java' }),
    ]);
    print([...postgres.nodes.map(({ pid }) => pid), kafka.child.pid]);
    break;
  }
  case 'kafka':
    await startKafka({ directory, cache: directory }).then(
      (kafka) => print(kafka.kind),
      (error) => print({ name: error.name, message: error.message }),
    );
    process.exit();
}

function print(value) {
  console.log(JSON.stringify(value));
}
