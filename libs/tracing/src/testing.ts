export { type ReceivedSpan, type SpanReceiver, spanReceiver } from './span-receiver.js';
