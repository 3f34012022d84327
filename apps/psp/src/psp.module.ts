import { Module } from '@nestjs/common';
import { SqlOperationStore } from './operation.store.js';
import { PspController } from './psp.controller.js';
import { PspService } from './psp.service.js';
import { SettlementController } from './settlement.controller.js';
import { Settlement } from './settlement.js';

@Module({ controllers: [PspController, SettlementController], providers: [SqlOperationStore, PspService, Settlement] })
export class PspModule {}
