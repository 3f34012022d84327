/** What other tools that drive a whole platform share with these tests. */
export { type Books, Checker, type Sources } from './checker.js';
export { type Acknowledged, Answers, CheckoutLoad, isPoliteRefusal, OpenLoop, registerBuyers, signInAgain } from './load.js';
export { type Evidence, type Finding, findings } from './checker.evidence.js';
export { Drill } from './drill.js';
export { inTurns } from './in-turns.js';
export type { Operation } from './platform.js';
export { type Answer, type Credentials, type Fetch, type OrderView, Shopper } from './shop.js';
