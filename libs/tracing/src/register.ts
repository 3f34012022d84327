// First, so that it holds for everything loaded after it.
import './source-maps.js';
import { startTracing } from './sdk.js';

// Loaded before the application: node --import @ballast/tracing/register app.js
await startTracing(process.env);
