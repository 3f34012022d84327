import { prepared, preparedAs } from './prepared.js';

it.each([
  ['SELECT state FROM saga WHERE id = $1 FOR UPDATE', 'SELECT saga'],
  ['WITH locked AS (SELECT pg_advisory_xact_lock($1) AS key)\nINSERT INTO outbox SELECT 1 FROM locked', 'INSERT outbox'],
  ['UPDATE intent SET attempts = 1 WHERE id IN (SELECT id FROM intent FOR UPDATE SKIP LOCKED)', 'UPDATE intent'],
  ['DELETE FROM outbox WHERE seq = ANY ($1)', 'DELETE outbox'],
  ['SELECT 1', 'SELECT'],
])('a prepared statement is named by what it does, for whoever reads a trace: %s', (sql, gist) => {
  const name = preparedAs(prepared(sql))!;
  expect(name).toMatch(new RegExp(`^${gist} [0-9a-f]{12}$`));
  expect(preparedAs(prepared(sql))).toBe(name);
  expect(preparedAs(`${sql} `)).toBeUndefined();
});
