import { bootstrapService } from '@ballast/service';
import app from './app.js';

await bootstrapService(app);
