import { defineService } from '@ballast/service/manifest';

/** The card processor's sandbox. Not behind the gateway: only payment talks to it. */
export default defineService({ name: 'psp', port: 3006, routes: [], database: true, consumes: [] });
