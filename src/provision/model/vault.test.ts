import { describe, expect, test } from 'vitest';
import { formatDiagnostic } from '#base/errors.ts';
import { FILE_1_1, FILE_1_2, PASSWORD, PROD_PASSWORD, VALUE } from '#testing/vault-texts.ts';
import { memoryFiles } from './inventory-memory.ts';
import { loadInventory } from './inventory.ts';
import { Secret } from './shell.ts';
import { hostVariables } from './variables.ts';
import { seal } from './vault-format.ts';
import { clearText, Vault } from './vault.ts';
import { parseYaml } from './yaml.ts';

const key = (label: string, password: string) => ({
  label,
  source: `${label}.txt`,
  password: () => new Secret(password),
});
const vaultOf = () => new Vault([key('prod', PROD_PASSWORD), key('default', PASSWORD)]);
const sealed = (plain: string) => seal(Buffer.from(plain), new Secret(PASSWORD), new Uint8Array(32).fill(1));
const inline = (name: string, text: string) =>
  `${name}: !vault |\n  ${text.trimEnd().replaceAll('\n', '\n  ')}\n`;
const messages = (text: string, vault?: Vault) =>
  parseYaml(text, 'f.yml', vault).diagnostics.map(formatDiagnostic);

describe('an inventory', () => {
  const files = (vault?: Vault) => ({
    ...memoryFiles({
      'i.yml': 'all: { hosts: { a: } }',
      'group_vars/all/secret.yml': FILE_1_1,
      'group_vars/all/vars.yml': 'from_file: "{{ vrrp_pass }}"\n',
      'host_vars/a.yml': `plain: 1\n${VALUE}`,
    }),
    ...(vault ? { vault } : {}),
  });

  test('is decrypted: whole files are templated, a !vault value stands for itself, as in Ansible', () => {
    const vault = vaultOf();
    const { inventory, diagnostics } = loadInventory(['i.yml'], files(vault));
    const a = hostVariables(inventory, 'a');
    expect(diagnostics).toEqual([]);
    expect([a.get('from_file'), a.get('other'), a.get('foo'), a.get('plain')]).toEqual([
      'Tandem-1',
      'x 1 y',
      'a {{ b }} c',
      1,
    ]);
    expect(vault.secrets()).toEqual(expect.arrayContaining(['Tandem-1', 'a {{ b }} c']));
  });

  test('without a password each encrypted place is told, with the way out', () => {
    expect(loadInventory(['i.yml'], files()).diagnostics.map(formatDiagnostic)).toEqual([
      expect.stringMatching(
        /^group_vars\/all\/secret\.yml:1:1: error: this file is encrypted, and there is no vault password \(give it with --vault-password-file FILE.*\[vault-no-password\]$/,
      ),
      expect.stringMatching(
        /^host_vars\/a\.yml:2:13: error: this value is encrypted.*\[vault-no-password\]$/,
      ),
    ]);
  });
});

describe('complaints', () => {
  test('a wrong password says which were tried, and the vault id', () => {
    const wrong = new Vault([key('default', 'nope')]);
    expect(messages(FILE_1_2, wrong)[0]).toMatch(
      /^f\.yml:1:1: error: this file is encrypted with the vault id prod, and no given password opens it \(default\.txt\).*\[vault-wrong-password\]$/,
    );
    expect(messages(`a: 1\n${VALUE}`, wrong)[0]).toMatch(
      /^f\.yml:2:13: error: this value is encrypted, and no/,
    );
  });

  test('damage is told at its line of a file, and at the value', () => {
    expect(messages(FILE_1_1.slice(0, 200), vaultOf())[0]).toMatch(
      /^f\.yml:4:1: error: .*damaged.*\[vault-damaged\]$/,
    );
    expect(messages('a: 1\nb: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  zz\n', vaultOf())[0]).toMatch(
      /^f\.yml:2:11: .*damaged/,
    );
  });

  test('an error in an encrypted file points into the clear text and does not quote it', () => {
    expect(messages(sealed('a: 1\nb: 0755\n'), vaultOf())[0]).toMatch(
      /^f\.yml:2:4: error: \*{8} is read as an octal/,
    );
    expect(messages(sealed('a: 1\nb: [S3cret\n'), vaultOf()).join('\n')).not.toContain('S3cret');
    expect(messages(sealed('a: "x" S3cret\n'), vaultOf()).join('\n')).not.toContain('S3cret');
  });
});

describe('what was encrypted', () => {
  test('is concealed: values, the lines of a longer one, and the parts of a file that say something', () => {
    const vault = vaultOf();
    parseYaml(inline('pin', sealed('7')), 'f.yml', vault);
    parseYaml(inline('tls', sealed('BEGIN KEY\nabcd\n}\n')), 'f.yml', vault);
    parseYaml(sealed('n: 4711\nlist: [{ deep: hidden }, yes, 1]\n'), 'f.yml', vault);
    expect(vault.secrets()).toEqual([
      '7',
      'BEGIN KEY\nabcd\n}\n',
      'BEGIN KEY\nabcd\n}',
      'BEGIN KEY',
      'abcd',
      '4711',
      'hidden',
    ]);
    const diagnostic = { id: 'x', severity: 'error', message: '4711 is out of range' } as const;
    expect(vault.redact(diagnostic).message).toBe('******** is out of range');
  });

  test('a template or a file that is copied is decrypted', () => {
    const vault = vaultOf();
    const files = { ...memoryFiles({}), vault };
    expect(clearText(files, 'key.pem', sealed('BEGIN\nMIIE\n'))).toBe('BEGIN\nMIIE\n');
    expect(vault.secrets()).toContain('MIIE');
    expect(clearText(files, 'plain', 'as it is')).toBe('as it is');
    expect(() => clearText(memoryFiles({}), 'key.pem', FILE_1_1)).toThrow('key.pem:1:1');
  });

  test('one password is derived once for a text that stands twice', () => {
    let asked = 0;
    const vault = new Vault([
      { ...key('default', PASSWORD), password: () => (asked++, new Secret(PASSWORD)) },
    ]);
    parseYaml(`${inline('a', FILE_1_1)}${inline('b', FILE_1_1)}`, 'f.yml', vault);
    expect(asked).toBe(1);
  });
});
