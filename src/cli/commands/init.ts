/** `tandem init`: a site to start with, from a shipped inventory. */
import { randomInt } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { parseIp } from '#base/address.ts';
import { formatDiagnostic, InputError } from '#base/errors.ts';
import { UsageError } from '#cli/exit.ts';
import { PACKAGE_ROOT } from '#cli/site.ts';
import { memoryFiles } from '#provision/model/inventory-memory.ts';
import { loadInventory } from '#provision/model/inventory.ts';
import {
  adaptStarter,
  type StarterHost,
  type StarterWords,
  starterWords,
  withOwnPassword,
} from '#provision/model/starter.ts';
import { deriveTopology } from '#provision/model/topology.ts';
import { ownName } from './own-name.ts';

export interface InitOptions {
  readonly topology: string;
  readonly hosts?: string;
  readonly interface?: string;
  readonly vip?: string;
  readonly vrid?: string;
}

const SHIPPED = join(PACKAGE_ROOT, 'inventory');
const PASSWORD_LENGTH = 8;

export async function initCommand(folder: string, options: InitOptions): Promise<void> {
  const shipped = shippedText(options.topology);
  const name = basename(resolve(folder)).replaceAll(/[^\w-]+/g, '-') || 'site';
  const inventory = join(folder, `${name}.yml`);
  const secretsFile = join(folder, 'group_vars', 'all', 'secrets.yml');
  for (const path of [inventory, secretsFile])
    if (existsSync(path))
      throw new UsageError(`${path} is there already and is not overwritten: choose another DIR`);
  const { text, isOwn } = await filledIn(shipped, options);
  const site = withOwnPassword(text, newPassword());
  const warnings = validated(inventory, secretsFile, site);
  mkdirSync(folder, { recursive: true });
  writeFileSync(inventory, site.text, { flag: 'wx' });
  say(`wrote ${inventory}`);
  if (site.secrets !== undefined) {
    mkdirSync(dirname(secretsFile), { recursive: true, mode: 0o700 });
    writeFileSync(secretsFile, site.secrets, { flag: 'wx', mode: 0o600 });
    say(`wrote ${secretsFile} (mode 0600)`);
  }
  for (const warning of warnings) say(warning);
  const given = `-i ${folder.replace(/\/*$/, '/')}`;
  const hosts = [
    ...loadInventory([inventory], memoryFiles({ [inventory]: site.text })).inventory.hosts.values(),
  ];
  const addresses = hosts.map(({ name: host, vars: { ansible_host: address } }) =>
    typeof address === 'string' ? address : host,
  );
  const tandem = ownName();
  say('\nNext:');
  if (!isOwn) say(`  edit ${inventory}: hosts, addresses, NICs and VRIDs are those of the example`);
  else
    say(
      `  ssh-keyscan ${addresses.join(' ')} >>~/.ssh/known_hosts     and compare: a host whose key is not known is refused`,
    );
  say(`  ${tandem} validate ${given}     nothing is sent`);
  say(`  ${tandem} plan ${given}         what would change`);
  say(`  ${tandem} apply ${given}`);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Throws UsageError for a name that no shipped inventory has. */
function shippedText(name: string): string {
  const names = readdirSync(SHIPPED).flatMap(file => (file.endsWith('.yml') ? [file.slice(0, -4)] : []));
  if (!names.includes(name))
    throw new UsageError(
      `--topology ${name}: there is none of this name. There are ${names.toSorted().join(', ')} (docs/topologies.md)`,
    );
  return readFileSync(join(SHIPPED, `${name}.yml`), 'utf8');
}

/** With what the user gives or answers; as it is if that is nothing, or if there is too much to ask for. */
async function filledIn(
  text: string,
  options: InitOptions,
): Promise<{ readonly text: string; readonly isOwn: boolean }> {
  const given = Object.entries(OPTIONS).filter(([option]) => options[option as Asked] !== undefined);
  const shipped = starterWords(text);
  if (!shipped) {
    const [first] = given;
    if (first)
      throw new UsageError(
        `${first[1].flag}: ${options.topology} has more than one network, or real servers, and is written as it is shipped, to be edited. Leave ${first[1].flag} out`,
      );
    return { text, isOwn: false };
  }
  const isTerminal = process.stdin.isTTY && process.stderr.isTTY;
  if (given.length === 0 && !isTerminal) return { text, isOwn: false };
  const answers = await answersOf(options, shipped, isTerminal);
  return { text: adaptStarter(text, shipped, wordsOf(answers, shipped)), isOwn: true };
}

type Asked = 'hosts' | 'interface' | 'vip' | 'vrid';

const OPTIONS: Readonly<
  Record<Asked, { readonly flag: string; readonly ask: (shipped: StarterWords) => string }>
> = {
  hosts: {
    flag: '--hosts',
    ask: ({ hosts }) =>
      `${hosts.length} hosts as NAME=ADDRESS, separated by commas, the preferred one first: `,
  },
  interface: { flag: '--interface', ask: () => 'their NIC in the network of the virtual address: ' },
  vip: {
    flag: '--vip',
    ask: ({ vips }) =>
      vips.length === 1 ? 'virtual address: ' : `${vips.length} virtual addresses, separated by commas: `,
  },
  vrid: {
    flag: '--vrid',
    ask: ({ vrids }) =>
      `${vrids.length === 1 ? 'virtual router id' : `${vrids.length} virtual router ids`} (1 to 255; nothing else in that network may use the same): `,
  },
};

async function answersOf(
  options: InitOptions,
  shipped: StarterWords,
  isTerminal: boolean,
): Promise<Readonly<Record<Asked, string>>> {
  const all = Object.entries(OPTIONS) as [Asked, (typeof OPTIONS)[Asked]][];
  const missing = all.filter(([option]) => options[option] === undefined);
  if (missing.length > 0 && !isTerminal)
    throw new UsageError(`also give ${missing.map(([, { flag }]) => flag).join(', ')}`);
  const answers: Record<Asked, string> = { hosts: '', interface: '', vip: '', vrid: '' };
  const ask = missing.length > 0 ? asker() : undefined;
  for (const [option, { ask: question }] of all)
    answers[option] = options[option] ?? (await ask?.next(question(shipped))) ?? '';
  ask?.close();
  return answers;
}

/** Asks on the terminal; what is typed ahead, or pasted, answers the next questions. */
function asker(): { readonly next: (question: string) => Promise<string>; readonly close: () => void } {
  const reader = createInterface({ input: process.stdin });
  const lines = reader[Symbol.asyncIterator]();
  return {
    next: async question => {
      process.stderr.write(question);
      const line = await lines.next();
      if (line.done === true) throw new UsageError('no answer: nothing was written');
      return line.value;
    },
    close: () => reader.close(),
  };
}

/** Throws UsageError with the option that is wrong. */
function wordsOf(answers: Readonly<Record<Asked, string>>, shipped: StarterWords): StarterWords {
  const hosts = parts('hosts', answers.hosts, shipped.hosts.length).map(hostOf);
  const names = hosts.map(host => host.name);
  if (new Set(names).size < names.length)
    throw new UsageError(`--hosts: ${answers.hosts} names a host twice`);
  const vips = parts('vip', answers.vip, shipped.vips.length);
  for (const vip of vips)
    if (!parseIp(vip)) throw new UsageError(`--vip: ${vip} is not an address (such as 172.16.8.100)`);
  const vrids = parts('vrid', answers.vrid, shipped.vrids.length).map(Number);
  if (vrids.some(vrid => !Number.isInteger(vrid) || vrid < 1 || vrid > 255))
    throw new UsageError(`--vrid: ${answers.vrid}: a virtual router id is a number from 1 to 255`);
  const nic = answers.interface.trim();
  if (!/^[^\s/:,{}[\]#"']{1,15}$/.test(nic))
    throw new UsageError(
      `--interface: '${nic}' is not the name of a NIC (such as eth0: ip -br link lists them)`,
    );
  return { hosts, interface: nic, vips, vrids };
}

function parts(option: Asked, text: string, count: number): string[] {
  const found = text
    .split(',')
    .map(part => part.trim())
    .filter(part => part !== '');
  if (found.length !== count)
    throw new UsageError(
      `${OPTIONS[option].flag}: this topology has ${count}${found.length === 0 ? '' : `, not ${found.length}`}: ${text || 'none is given'}`,
    );
  return found;
}

function hostOf(text: string): StarterHost {
  const [, name = '', address, prefix] =
    /^([A-Za-z0-9][\w.-]*)(?:=([^\s=/,]+)(?:\/(\d{1,3}))?)?$/.exec(text) ?? [];
  if (name === '')
    throw new UsageError(
      `--hosts: '${text}' is not NAME=ADDRESS (such as ka67=172.16.8.10 or ka67=172.16.8.10/24)`,
    );
  return { name, address: address ?? name, ...(prefix === undefined ? {} : { prefix: Number(prefix) }) };
}

/** Nothing is written that is not valid. Returns its warnings; throws InputError. */
function validated(
  inventory: string,
  secretsFile: string,
  site: { readonly text: string; readonly secrets?: string },
): string[] {
  const files = memoryFiles({
    [inventory]: site.text,
    ...(site.secrets === undefined ? {} : { [secretsFile]: site.secrets }),
  });
  const loaded = loadInventory([inventory], files);
  const all = [...loaded.diagnostics, ...deriveTopology(loaded.inventory).diagnostics];
  if (all.some(({ severity }) => severity === 'error')) throw new InputError(all);
  return all.map(formatDiagnostic);
}

/** As long as VRRP uses, of letters and digits that no YAML or keepalived.conf reads as anything else. */
function newPassword(): string {
  const letters = 'abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789';
  return Array.from({ length: PASSWORD_LENGTH }, () => letters[randomInt(letters.length)]).join('');
}
