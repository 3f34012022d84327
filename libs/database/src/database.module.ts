import { type DynamicModule, Module } from '@nestjs/common';
import { Database, type DatabaseOptions } from './database.js';

/** Provides `Database` to every module. The application starts whether or not the database is there; see `Database.ready`. */
@Module({})
export class DatabaseModule {
  static forRoot(options: DatabaseOptions): DynamicModule {
    return {
      module: DatabaseModule,
      global: true,
      providers: [{ provide: Database, useFactory: () => Database.open(options) }],
      exports: [Database],
    };
  }
}
