/** What this service does, without Nest and without a database: for the simulator. */
export { storage } from './order.module.js';
export { CheckoutSaga } from './checkout.saga.js';
export { OrderConsumers } from './order.consumers.js';
export { Order } from './order.entity.js';
export { OrderService } from './order.service.js';
export { type OrderStore, SqlOrderStore } from './order.store.js';
