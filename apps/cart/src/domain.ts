/** What this service does, for the simulator, which brings its own stores. */
export { storage } from './cart.module.js';
export { CartConsumers } from './cart.consumers.js';
export { CartController } from './cart.controller.js';
export { Cart, CartItem } from './cart.entity.js';
export { CartService } from './cart.service.js';
export { type CartStore, type Ordered, SqlCartStore } from './cart.store.js';
export { CatalogueEntry } from './catalogue.entity.js';
export { CatalogueService } from './catalogue.service.js';
