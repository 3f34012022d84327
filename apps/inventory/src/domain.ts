/** What this service does, for the simulator, which brings its own stores. */
export { storage } from './inventory.module.js';
export { InventoryConsumers } from './inventory.consumers.js';
export { Product } from './product.entity.js';
export { Reservation } from './reservation.entity.js';
export { type Line } from './reservation.rules.js';
export { ReservationService } from './reservation.service.js';
export { type ReservationStore, SqlReservationStore } from './reservation.store.js';
