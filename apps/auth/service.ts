import { defineService } from '@ballast/service/manifest';

export default defineService({ name: 'auth', port: 3001, routes: ['/auth'], database: true });
