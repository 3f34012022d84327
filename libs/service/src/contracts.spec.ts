import { command, event, reads, readsReply, type Statement } from '@ballast/message';
import { Body, Controller, Get, Param, Post } from '@nestjs/common';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeStatement } from '@ballast/message';
import { z } from 'zod';
import { Answers } from './answers.js';
import { contractProblems, statementOf } from './contracts.js';
import { defineService } from './manifest.js';

const happened = event('shop.happened.v1', { key: (p) => p.id, payload: z.object({ id: z.string(), name: z.string() }) });
const book = command('hotel.book.v1', { payload: z.object({ id: z.string() }), reply: z.object({ room: z.string(), floor: z.int() }) });
const messages = [happened, book];
const operation = z.object({ state: z.enum(['DONE', 'FAILED']), more: z.string() });

@Controller('v1')
class Operations {
  @Post('operations')
  @Answers(200, operation)
  start(@Body({ schema: z.object({ key: z.string() }) }) _body: unknown): void {}
  @Get('operations/:key')
  @Answers(200, operation)
  find(@Param('key') _key: string): void {}
}

const shop = defineService({ name: 'shop', port: 1, database: true, messages, sends: [readsReply(book, { room: true })] });
const hotel = defineService({ name: 'hotel', port: 2, database: true, messages });
const reader = defineService({
  name: 'reader',
  port: 3,
  database: true,
  messages,
  consumes: [reads(happened, { id: true })],
  calls: [
    { to: 'hotel', method: 'POST', path: '/v1/operations', sends: z.object({ key: z.string() }), reads: operation.pick({ state: true }) },
    { to: 'hotel', method: 'GET', path: '/v1/operations/:key', reads: operation.pick({ state: true }) },
  ],
});

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'statements-'));
  for (const manifest of [shop, hotel, reader]) writeStatement(statementOf(manifest), directory);
});
afterEach(() => rmSync(directory, { recursive: true }));

/** A consumer of another repository: a file that is dropped beside the others. */
const elsewhere = (own: Partial<Statement>) =>
  writeFileSync(join(directory, 'elsewhere.json'), JSON.stringify({ consumer: 'elsewhere', ...own }));
const text = { type: 'string' };

it('finds nothing where everyone gets what they read', () => {
  expect(contractProblems(shop, directory)).toEqual([]);
  expect(contractProblems(hotel, directory, [Operations])).toEqual([]);
  expect(contractProblems(reader, directory)).toEqual([]);
});

it('names the consumer of an event, of an answer and of a route, and the field', () => {
  elsewhere({
    reads: { 'shop.happened.v1': { type: 'object', properties: { title: text } } },
    calls: { 'hotel GET /v1/operations/:key': { reads: { type: 'object', properties: { state: { enum: ['DONE'] } } } } },
  });
  expect(contractProblems(shop, directory)).toEqual(['elsewhere reads shop.happened.v1: title is not there']);
  expect(contractProblems(hotel, directory, [Operations])).toEqual([
    'elsewhere reads from hotel GET /v1/operations/:key: state may be ["FAILED"], which its reader does not know',
  ]);
  const roomless = command('hotel.book.v1', { payload: z.object({ id: z.string() }), reply: z.object({ floor: z.int() }) });
  expect(contractProblems({ ...hotel, messages: [roomless] }, directory, [Operations])).toContain(
    'shop reads hotel.book.v1.reply: result.room is not there',
  );
});

it('holds a service to the commands and bodies it is sent', () => {
  const greedy = command('hotel.book.v1', { payload: z.object({ id: z.string(), nights: z.int() }), reply: book.reply });
  expect(contractProblems({ ...hotel, messages: [greedy] }, directory, [Operations])).toContain(
    'shop sends hotel.book.v1: nights is not there',
  );
  elsewhere({ calls: { 'hotel POST /v1/operations': { sends: { type: 'object', properties: { id: text } } } } });
  expect(contractProblems(hotel, directory, [Operations])).toEqual(['elsewhere sends to hotel POST /v1/operations: key is not there']);
});

it('notices that a message, a command or a route is no longer there', () => {
  expect(contractProblems({ ...shop, messages: [book] }, directory)).toEqual([
    'reader reads shop.happened.v1, which shop no longer writes',
  ]);
  expect(contractProblems({ ...hotel, messages: [] }, directory)).toEqual(
    expect.arrayContaining([
      'shop sends hotel.book.v1, which hotel no longer takes',
      'shop reads hotel.book.v1.reply, which hotel no longer writes',
      'reader calls hotel GET /v1/operations/:key, which hotel does not have',
    ]),
  );
});

it('asks for a statement that says what the manifest says', () => {
  expect(contractProblems({ ...reader, consumes: [happened] }, directory)).toEqual([
    'reader.json is not what apps/reader/service.ts says: run npm run schemas and commit it',
  ]);
});

it('writes no file for a service that needs nothing, and says which file is no statement', () => {
  writeStatement(statementOf(defineService({ name: 'alone', port: 4, database: false })), directory);
  expect(readdirSync(directory).sort()).toEqual(['hotel.json', 'reader.json', 'shop.json']);
  writeFileSync(join(directory, 'odd.json'), '{"consumr":"x"}');
  expect(() => contractProblems(shop, directory)).toThrow(/odd\.json is not a consumer's statement/);
});
