import { Operation1764000000000 } from './migrations/1764000000000-operation.js';
import { Sales1796100000000 } from './migrations/1796100000000-sales.js';
import { Operation } from './operation.entity.js';

export const database = { entities: [Operation], migrations: [Operation1764000000000, Sales1796100000000] };
