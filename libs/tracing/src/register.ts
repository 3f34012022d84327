import { startTracing } from './sdk.js';

// Loaded before the application: node --import @ballast/tracing/register app.js
await startTracing(process.env);
