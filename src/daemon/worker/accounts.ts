import { readFileSync } from 'node:fs';

/** Whom a script runs as. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

/** keepalived's default for `script_user`. */
const DEFAULT_USER = 'keepalived_script';

/**
 * Resolves `script_user USER [GROUP]` by the local account files; an empty `user` means keepalived_script if there is
 * one and else root. Numbers are taken as they are. Throws with the name that is not known.
 */
export function resolveAccount(user: string, group: string, etc = '/etc'): Account {
  if (user === '') {
    const found = passwdEntry(DEFAULT_USER, etc);
    return found ?? { uid: 0, gid: 0 };
  }
  const account = passwdEntry(user, etc) ?? numericAccount(user);
  if (!account) throw new Error(`there is no user "${user}" in ${etc}/passwd`);
  if (group === '') return account;
  const gid = groupId(group, etc);
  if (gid === undefined) throw new Error(`there is no group "${group}" in ${etc}/group`);
  return { uid: account.uid, gid };
}

function passwdEntry(name: string, etc: string): Account | undefined {
  const fields = entry(`${etc}/passwd`, name);
  return fields && { uid: Number(fields[2]), gid: Number(fields[3]) };
}

function groupId(name: string, etc: string): number | undefined {
  const gid = entry(`${etc}/group`, name)?.[2] ?? (/^\d+$/.test(name) ? name : undefined);
  return gid === undefined ? undefined : Number(gid);
}

function numericAccount(text: string): Account | undefined {
  return /^\d+$/.test(text) ? { uid: Number(text), gid: Number(text) } : undefined;
}

function entry(path: string, name: string): string[] | undefined {
  const line = readFileSync(path, 'utf8')
    .split('\n')
    .find(candidate => candidate.startsWith(`${name}:`));
  return line?.split(':');
}
