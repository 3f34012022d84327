import { Module } from '@nestjs/common';
import { PspController } from './psp.controller.js';
import { PspService } from './psp.service.js';

@Module({ controllers: [PspController], providers: [PspService] })
export class PspModule {}
