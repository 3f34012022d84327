import { Answers, Open, pageOf } from '@ballast/service';
import { Body, Controller, Get, HttpCode, Param, Post, Query, Req, UseGuards } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import { ApiKeyGuard } from './api-key.guard.js';
import { Key } from './key.decorator.js';
import type { Operation } from './operation.entity.js';
import { errors } from './psp.errors.js';
import * as requests from './psp.requests.js';
import { PspService, type Answer } from './psp.service.js';

type Request = { raw: IncomingMessage };

@Open() // the guard below asks for the merchant's API key instead of a shop's access token
@UseGuards(ApiKeyGuard)
@Controller('v1')
export class PspController {
  constructor(private readonly psp: PspService) {}

  @Post('authorisations')
  @HttpCode(200)
  @Answers(200, requests.operationView, [errors.API_KEY_REQUIRED, errors.INTERNAL])
  async authorise(
    @Key() key: string,
    @Body({ schema: requests.authorisationRequest }) body: requests.AuthorisationRequest,
    @Req() request: Request,
  ) {
    return deliver(await this.psp.submit({ kind: 'authorisation', key, ...body }), request);
  }

  @Post('captures')
  @HttpCode(200)
  @Answers(200, requests.operationView, [errors.API_KEY_REQUIRED, errors.INTERNAL])
  async capture(@Key() key: string, @Body({ schema: requests.captureRequest }) body: requests.CaptureRequest, @Req() request: Request) {
    return deliver(await this.psp.submit({ kind: 'capture', key, target: body.authorisation, amount: body.amount }), request);
  }

  @Post('refunds')
  @HttpCode(200)
  @Answers(200, requests.operationView, [errors.API_KEY_REQUIRED, errors.INTERNAL])
  async refund(@Key() key: string, @Body({ schema: requests.refundRequest }) body: requests.RefundRequest, @Req() request: Request) {
    return deliver(await this.psp.submit({ kind: 'refund', key, target: body.authorisation, amount: body.amount }), request);
  }

  @Post('cancellations')
  @HttpCode(200)
  @Answers(200, requests.operationView, [errors.API_KEY_REQUIRED, errors.INTERNAL])
  async cancel(
    @Key() key: string,
    @Body({ schema: requests.cancellationRequest }) body: requests.CancellationRequest,
    @Req() request: Request,
  ) {
    return deliver(await this.psp.submit({ kind: 'cancellation', key, target: body.operation, reference: body.reference }), request);
  }

  @Get('operations/:key')
  @Answers(200, requests.operationView, [errors.API_KEY_REQUIRED, errors.KEY_UNKNOWN])
  async operation(@Param('key') key: string) {
    return view(await this.psp.find(key));
  }

  @Get('settlement')
  @Answers(200, pageOf(requests.operationView), [errors.API_KEY_REQUIRED])
  async settlement(@Query({ schema: requests.settlementQuery }) query: requests.SettlementQuery) {
    const { items, nextCursor } = await this.psp.settlement(query);
    return { items: items.map(view), nextCursor };
  }
}

function deliver({ operation, drops }: Answer, request: Request) {
  if (drops) request.raw.socket.destroy();
  return view(operation);
}

const view = (o: Operation) => ({
  key: o.key,
  kind: o.kind,
  state: o.state,
  ...(o.code && { code: o.code }),
  amount: o.currency ? { amount: o.amount, currency: o.currency } : null,
  target: o.target,
  reference: o.reference,
});
