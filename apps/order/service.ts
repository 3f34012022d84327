import { cartCheckedOut, messages } from '@ballast/contracts';
import { defineService } from '@ballast/service/manifest';

export default defineService({
  name: 'order',
  port: 3004,
  routes: ['/orders'],
  database: true,
  messages,
  consumes: [cartCheckedOut],
});
