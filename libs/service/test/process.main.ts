import { Inject, Module, type OnModuleInit } from '@nestjs/common';
import { z } from 'zod';
import { bootstrapService, loadConfig, Startup } from '../src/index.js';
import { gate, sampleManifest, SampleModule } from './sample.module.js';

// Run as a process of its own by process.spec.ts.
gate.reached = () => process.send?.({ event: 'slow request reached' });
const config = () =>
  loadConfig(sampleManifest, {
    secret: ['SAMPLE_SECRET', z.string().min(8, 'must have 8 characters')],
    startup: ['SAMPLE_STARTUP', z.string().optional()],
  });

@Module({ imports: [SampleModule] })
class SafeModule implements OnModuleInit {
  constructor(@Inject(Startup) private readonly startup: Startup) {}
  onModuleInit(): void {
    this.startup.add('opening the safe', async () => {
      if (config().startup === 'fails') throw new Error('the secret opens nothing');
    });
  }
}

const service = await bootstrapService({ module: SafeModule, config });
process.on('message', (message) => {
  if (message === 'open the gate') gate.open();
  if (message === 'break') void Promise.reject(new Error('nobody catches this'));
  if (message === 'memory') process.send?.({ event: 'memory', rss: process.memoryUsage().rss });
});
process.send?.({ event: 'listening', url: service.url });
