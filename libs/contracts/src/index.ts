export * from './books.js';
export * from './cart.js';
export * from './inventory.js';
export * from './money.js';
export * from './order.js';
export * from './payment.js';
export { messages } from './messages.js';
