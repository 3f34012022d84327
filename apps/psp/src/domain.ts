/** What this service does, for the simulator, which brings its own stores. */
export { Operation } from './operation.entity.js';
export { type OperationStore, SqlOperationStore } from './operation.store.js';
export { database as storage } from './psp.database.js';
export { PspController } from './psp.controller.js';
export { PspService } from './psp.service.js';
