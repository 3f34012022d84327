import type { MigrationClass } from '@ballast/database';

export const messagingMigrations: MigrationClass[] = [];
