import { describe, expect, test } from 'vitest';
import type { Connection } from '#provision/model/variables-connection.ts';
import { accessOf } from './access.ts';

const plain: Connection = {
  host: 'ka67',
  port: undefined,
  user: undefined,
  password: undefined,
  privateKeyFile: undefined,
  sshArgs: '',
  become: false,
  becomeUser: 'root',
  becomeMethod: 'sudo',
  becomePassword: undefined,
  hostKeyChecking: undefined,
  type: 'ssh',
};

describe('connection variables', () => {
  test('what is not given is left to the ssh configuration', () => {
    expect(accessOf('ka67', plain)).toEqual({ name: 'ka67', connection: 'ssh' });
  });

  test('what is given', () => {
    const given = { host: '172.16.8.10', port: 2222, user: 'ann', privateKeyFile: '~/key', become: true };
    const more = {
      hostKeyChecking: false,
      sshArgs: `-o ProxyJump=bastion -o 'User Known'=x`,
      password: 'one',
      becomePassword: 'two',
    };
    const access = accessOf('ka67', { ...plain, ...given, ...more });
    expect(access).toMatchObject({
      address: '172.16.8.10',
      port: 2222,
      user: 'ann',
      privateKeyFile: '~/key',
      hostKeyChecking: false,
    });
    expect(access.sshArguments).toEqual(['-o', 'ProxyJump=bastion', '-o', 'User Known=x']);
    expect(access.password?.reveal()).toBe('one');
    expect(access.become?.password?.reveal()).toBe('two');
    expect(JSON.stringify(access)).not.toMatch(/"one"|"two"/);
  });

  test.each([
    [{ type: 'local' }, /ansible_connection is local/],
    [{ become: true, becomeMethod: 'su' }, /ansible_become_method is su/],
    [{ become: true, becomeUser: 'nginx' }, /ansible_become_user is nginx/],
    [{ sshArgs: '-o "x' }, /unclosed quote/],
  ])('%o cannot be used', (more, message) => {
    expect(() => accessOf('ka67', { ...plain, ...more })).toThrow(message);
  });
});
