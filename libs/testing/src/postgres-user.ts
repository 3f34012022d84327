import { execFileSync } from 'node:child_process';
import { chownSync, lstatSync, readdirSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

/** Who runs Postgres when it cannot be us. */
export interface SystemUser {
  uid: number;
  gid: number;
}

/** Postgres refuses to run as root: then `nobody` runs it. Undefined when we can run it ourselves. */
export function postgresUser(): SystemUser | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string) => Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

/** Whether that user can enter a folder: each folder on the way must let him through. */
export function canEnter(user: SystemUser | undefined, folder: string): boolean {
  if (user === undefined) return true;
  for (let path = resolve(folder); ; path = dirname(path)) {
    if (!canPass(user, path)) return false;
    if (path === dirname(path)) return true;
  }
}

function canPass(user: SystemUser, folder: string): boolean {
  const { mode, uid, gid } = statSync(folder);
  if (uid === user.uid) return (mode & 0o100) !== 0;
  if (gid === user.gid) return (mode & 0o010) !== 0;
  return (mode & 0o001) !== 0;
}

/** Gives a folder and all in it to that user. */
export function giveTo(user: SystemUser | undefined, path: string): void {
  if (user === undefined) return;
  chownSync(path, user.uid, user.gid);
  if (!lstatSync(path).isDirectory()) return;
  for (const entry of readdirSync(path)) giveTo(user, join(path, entry));
}
