import { CommitUnknownError, NoPrimaryError } from '@ballast/database';
import { Body, Controller, Delete, Get, Module, NotFoundException, Param, Post, Query } from '@nestjs/common';
import { z } from 'zod';
import {
  Account,
  type AccountClaims,
  Answers,
  defineErrors,
  defineService,
  IdempotencyKey,
  type IdempotentRequest,
  Open,
  page,
  pageOf,
  type PageQuery,
  pageQuery,
  Roles,
} from '../src/index.js';

export const sampleManifest = defineService({ name: 'sample', port: 3999, routes: ['/things'], database: false });
export const errors = defineErrors('SAMPLE', { GONE: [409, 'Thing %s has gone'], SECRET: [404, 'Not yours'] });

const thing = z.object({ name: z.string().min(1).max(20), tags: z.array(z.string()).max(3).default([]) });

/** Requests that wait here until a test lets them go. */
export const gate = { open: (): void => undefined, reached: (): void => undefined };

@Controller('things')
export class ThingsController {
  @Open()
  @Get()
  @Answers(200, pageOf(z.string()))
  list(@Query({ schema: pageQuery }) query: PageQuery) {
    return page(['a', 'b', 'c'], Math.min(query.limit, 2), (last) => last);
  }

  @Open()
  @Post()
  @Answers(201, thing, [errors.GONE])
  add(@Body({ schema: thing }) body: z.output<typeof thing>) {
    return body;
  }

  @Get('mine')
  mine(@Account() account: AccountClaims) {
    return account;
  }

  @Post('keyed')
  @Answers(201)
  keyed(@IdempotencyKey() { scope }: IdempotentRequest) {
    return { scope: scope.length };
  }

  @Roles('merchant')
  @Delete('all')
  clear() {
    return { cleared: true };
  }

  @Open()
  @Get('fail/:how')
  fail(@Param('how') how: string) {
    if (how === 'problem') throw errors.GONE('x').with({ thingId: 'x' }).retryAfter(7);
    if (how === 'away') throw new NoPrimaryError('none');
    if (how === 'unknown') throw new CommitUnknownError(new Error('connection lost'));
    if (how === 'nest') throw new NotFoundException('nothing of this text may leak');
    throw new Error('secret detail');
  }

  @Open()
  @Get('slow')
  async slow() {
    await new Promise<void>((resolve) => {
      gate.open = resolve;
      gate.reached();
    });
    return { slept: true };
  }
}

@Module({ controllers: [ThingsController] })
export class SampleModule {}
