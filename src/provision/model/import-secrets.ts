/** Names for the passwords of an imported cluster; equal passwords share one. */
import { literal } from './import-words.ts';
import type { ImportedHost } from './import-types.ts';
import type { ImportedRouter } from './import-instances.ts';
import { Secret } from './shell.ts';

export class SecretNames {
  /** Variable → value. */
  readonly values = new Map<string, Secret>();
  readonly #byValue = new Map<string, string>();

  constructor(routers: readonly ImportedRouter[], hosts: readonly ImportedHost[]) {
    const all = routers.flatMap(({ name, nodes }) =>
      nodes.flatMap(({ instance: { password } }) => (password ? [{ name, password }] : [])),
    );
    const distinct = new Set(all.map(({ password }) => password.reveal()));
    for (const { name, password } of all) {
      const value = password.reveal();
      if (this.#byValue.has(value)) continue;
      const stem = distinct.size === 1 ? 'vrrp_auth_pass' : `vrrp_auth_pass_${name.replaceAll(/\W/g, '_')}`;
      let variable = stem;
      for (let n = 2; this.values.has(variable); n++) variable = `${stem}_${n}`;
      this.#byValue.set(value, variable);
      this.values.set(variable, password);
    }
    for (const { extraSecrets } of hosts)
      for (const [name, secret] of Object.entries(extraSecrets)) this.values.set(name, secret);
  }

  /** The variable that holds a password of one of the routers. */
  nameOf(password: Secret): string {
    return this.#byValue.get(password.reveal()) ?? '';
  }

  /** The vars file that holds the values; undefined if there are none. It belongs into a file of mode 0600. */
  file(): Secret | undefined {
    if (this.values.size === 0) return undefined;
    const lines = [...this.values].map(
      ([name, secret]) => `${name}: ${JSON.stringify(literal(secret.reveal()))}\n`,
    );
    return new Secret(`# Passwords, in clear text: keep this file at mode 0600.\n${lines.join('')}`);
  }
}
