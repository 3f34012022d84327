import { messages } from '@ballast/contracts';
import { defineService } from '@ballast/service/manifest';

export default defineService({ name: 'payment', port: 3005, routes: ['/payments'], database: true, messages, needs: ['psp'] });
