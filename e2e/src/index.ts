/** What other tools that drive a whole platform share with these tests. */
export { Answers, OpenLoop } from './load.js';
export { type Answer, Shopper } from './shop.js';
