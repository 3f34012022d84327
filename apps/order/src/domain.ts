/** What this service does, for the simulator, which brings its own stores. */
export { storage } from './order.module.js';
export { CheckoutSaga } from './checkout.saga.js';
export { OrderConsumers } from './order.consumers.js';
export { Order } from './order.entity.js';
export { OrderService } from './order.service.js';
export { type OrderStore, SqlOrderStore } from './order.store.js';
