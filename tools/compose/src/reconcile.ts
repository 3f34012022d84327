import { reconcile } from '@ballast/reconcile';

/** The job of the cluster: `reconcile.js --watch --services URL --accounts FILE …`, as `npm run reconcile -- --help` says. */
process.exitCode = await reconcile(process.argv.slice(2));
