import { Answers, Open } from '@ballast/service';
import { Controller, Get, Query, UseGuards } from '@nestjs/common';
import { ApiKeyGuard } from './api-key.guard.js';
import { errors } from './psp.errors.js';
import { Settlement } from './settlement.js';
import { salesQuery, salesView, touchedQuery, touchedView, type SalesQuery, type TouchedQuery } from './settlement.requests.js';

/** The settlement by sale, for a merchant who compares it with books of his own. */
@Open() // the guard below asks for the merchant's API key instead of a shop's access token
@UseGuards(ApiKeyGuard)
@Controller('v1/settlement/sales')
export class SettlementController {
  constructor(private readonly settlement: Settlement) {}

  @Get()
  @Answers(200, salesView, [errors.API_KEY_REQUIRED])
  sales(@Query({ schema: salesQuery }) query: SalesQuery) {
    return this.settlement.sales(query);
  }

  @Get('touched')
  @Answers(200, touchedView, [errors.API_KEY_REQUIRED])
  touched(@Query({ schema: touchedQuery }) query: TouchedQuery) {
    return this.settlement.touched(query);
  }
}
