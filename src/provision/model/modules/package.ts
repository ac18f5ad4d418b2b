import { z } from 'zod';
import { type Change, type Module, Refusal, type Reverter } from '#provision/model/module.ts';
import { type Fragment, lines, sh } from '#provision/model/shell.ts';

interface PackageArgs {
  readonly name: string | readonly string[];
  readonly state: 'present';
  /** False: the installation does not start the service of the package's name. */
  readonly start: boolean;
}

/** Which of the names are installed; undefined: the host has neither apt nor dnf. */
type SeenPackages = ReadonlySet<string> | undefined;

const packageName = z.string().regex(/^[a-z0-9][a-z0-9+.-]+$/, 'expected a package name such as nftables');

/** Packages that must be there, by apt or dnf. What it adds, and only that, goes at teardown. */
export const packages: Module<PackageArgs, SeenPackages> = {
  name: 'package',
  schema: z.strictObject({
    name: z.union([packageName, z.array(packageName).min(1)]),
    state: z
      .literal('present', 'only "present": what was there before Tandem is never removed')
      .default('present'),
    start: z.boolean().default(true),
  }),
  free: 'name',
  needs: [],
  resources: args => namesOf(args).map(name => ({ resource: `package:${name}`, wanted: args.state })),
  probe: args => look(namesOf(args)),
  parse,
  diff: (args, seen) => {
    if (!seen) throw new Refusal('packages are installed with apt or dnf, and this host has neither');
    const missing = namesOf(args).filter(name => !seen.has(name));
    return missing.map(name => ({
      resource: `package:${name}`,
      from: { installed: false },
      to: { installed: true },
      summary: 'installed',
      effect: 'none',
    }));
  },
  apply: (change, args) => install(nameIn(change.resource), args.start),
  predict: (args, _seen, changes: readonly Change[]) => ({
    name: [...namesOf(args)],
    changed: changes.length > 0,
  }),
};

function namesOf(args: PackageArgs): readonly string[] {
  return typeof args.name === 'string' ? [args.name] : args.name;
}

function nameIn(resource: string): string {
  return resource.slice('package:'.length);
}

/**
 * `t_list NAME…`: `NAME installed` for each of them that is; without names, for all that there are. `t_add NAME`, `t_purge
 * NAME…`. Where both are, apt is the system's own.
 */
const TOOLS = lines([
  sh`if command -v apt-get >/dev/null; then`,
  sh`t_list() { dpkg-query -W -f '\${Package} \${db:Status-Status}\\n' "$@" 2>/dev/null | grep ' installed$' || :; }`,
  sh`t_try() { DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends -o DPkg::Lock::Timeout=120 "$1"; }`,
  sh`t_add() { t_try "$1" || { apt-get update -q && t_try "$1"; }; }`,
  sh`t_purge() { DEBIAN_FRONTEND=noninteractive dpkg --purge "$@"; }`,
  sh`elif command -v dnf >/dev/null; then`,
  sh`t_list() { { if [ $# -gt 0 ]; then rpm -q --qf '%{NAME} installed\\n' "$@"; else rpm -qa --qf '%{NAME} installed\\n'; fi; } 2>/dev/null | grep '^[^ ]* installed$' || :; }`,
  sh`t_add() { dnf install -y -q --setopt=install_weak_deps=False "$1"; }`,
  sh`t_purge() { rpm -e "$@" || for t_p in "$@"; do rpm -e "$t_p" || :; done; }`,
  sh`else t_list() { echo none; }; fi`,
]);

function look(names: readonly string[]): Fragment {
  return lines([TOOLS, sh`t_list ${names}`]);
}

function parse(answer: Uint8Array): SeenPackages {
  const text = new TextDecoder().decode(answer);
  if (text === 'none\n') return undefined;
  const installed = text.split('\n').filter(line => line.endsWith(' installed'));
  return new Set(installed.map(line => line.slice(0, line.indexOf(' '))));
}

/** Remembers which packages came with it, so that teardown takes the same ones. */
function install(name: string, start: boolean): Fragment {
  const commands = installation(name);
  if (start) return commands;
  // Until the next boot at the most: also when this is killed, nobody's service is masked for good.
  return sh`systemctl mask --runtime -q ${name}; (\ntrap ${`systemctl unmask --runtime -q ${name}`} 0\n${commands}\n)`;
}

function installation(name: string): Fragment {
  return lines([
    TOOLS,
    sh`mkdir -p -m 700 "$t_state/packages"; t_q="$t_state/packages/"${name}`,
    sh`[ -e "$t_q.before" ] || { t_list | sort >"$t_q.part"; sync "$t_q.part"; mv "$t_q.part" "$t_q.before"; }`,
    sh`t_add ${name} >"$t_q.log" 2>&1 || { tail -n 20 "$t_q.log" >&2; exit 1; }`,
    sh`t_list | sort >"$t_q.after"`,
    sh`comm -13 "$t_q.before" "$t_q.after" | cut -d ' ' -f 1 >"$t_q.added"; sync "$t_q.added"; rm -f "$t_q.after" "$t_q.log"`,
  ]);
}

/** Teardown: purges what came with the installation, as far as nothing else needs it by now. */
export const packageReverter: Reverter = {
  kind: 'package',
  effect: 'none',
  probe: entry => look([nameIn(entry.resource)]),
  verdict: (entry, answer) => (parse(answer)?.has(nameIn(entry.resource)) === true ? 'ours' : 'gone'),
  revert: entry => {
    const name = nameIn(entry.resource);
    return lines([
      TOOLS,
      sh`t_q="$t_state/packages/"${name}; [ -s "$t_q.added" ] || echo ${name} >"$t_q.added"`,
      sh`t_purge $(cat "$t_q.added") >"$t_q.log" 2>&1 || grep -i -e depends -e error "$t_q.log" || :`,
      sh`rm -f "$t_q".*`,
    ]);
  },
};
