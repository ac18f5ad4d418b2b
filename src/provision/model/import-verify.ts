/** An imported inventory, rendered again and compared with what it was made of. */
import { formatDiagnostic, type Diagnostic } from '#base/errors.ts';
import { compareConfigs, type SemanticDifference } from '#conf/compare.ts';
import { loadStatements } from '#conf/load.ts';
import { memorySource } from '#conf/memory-source.ts';
import type { ImportedInventory } from './import-inventory.ts';
import type { ImportedHost } from './import-types.ts';
import { loadImported } from './import-load.ts';
import { renderTemplate, TemplateError } from './template.ts';
import { hostVariables } from './variables.ts';

export interface Verdict {
  /** What `tandem validate` would say of the inventory. */
  readonly complaints: readonly Diagnostic[];
  /** Host → its keepalived.conf; with secrets. A host of a cluster with errors is absent. */
  readonly rendered: ReadonlyMap<string, string>;
  /** Host → what is not as it was; hosts that say the same are absent. */
  readonly differences: ReadonlyMap<string, readonly SemanticDifference[]>;
}

/** `template` is the text of keepalived.conf's template, `file` the inventory's name for complaints. */
export function verifyImport(
  imported: ImportedInventory,
  hosts: readonly ImportedHost[],
  { template, file }: { readonly template: string; readonly file: string },
): Verdict {
  const { inventory, topology, complaints: found } = loadImported(imported, file);
  const complaints = [...found];
  const rendered = new Map<string, string>();
  for (const [host, derived] of topology.hosts) {
    // As the command hands it to templates: what is undefined is absent.
    const tandem: unknown = JSON.parse(JSON.stringify(derived));
    const variables = hostVariables(inventory, host, { magic: { tandem } });
    try {
      rendered.set(host, renderTemplate(template, variables, { file: 'keepalived.conf.njk' }));
    } catch (thrown) {
      if (!(thrown instanceof TemplateError)) throw thrown;
      const { reason, position } = thrown;
      complaints.push({ id: 'template', severity: 'error', message: reason, position });
    }
  }
  const differences = new Map(
    hosts.flatMap(host => {
      const found = differencesOf(host, rendered.get(host.name), imported);
      return found.length > 0 ? [[host.name, found] as const] : [];
    }),
  );
  return { complaints, rendered, differences };
}

function differencesOf(
  host: ImportedHost,
  rendered: string | undefined,
  imported: ImportedInventory,
): readonly SemanticDifference[] {
  if (rendered === undefined)
    return [{ where: host.name, keyword: 'keepalived.conf', before: 'is there', after: undefined }];
  const source = memorySource({ 'keepalived.conf': rendered });
  const names = imported.names.get(host.name);
  return compareConfigs(host.loaded, loadStatements('keepalived.conf', source, { hostname: host.name }), {
    ...(names ? { instanceNames: names } : {}),
    stateHint: true,
    unicastSource: true,
    untracked: true,
    groupNames: true,
  });
}

/** The verdict in words: complaints, then each difference, then one line that sums up. */
export function verdictLines({ complaints, differences }: Verdict): readonly string[] {
  const side = (text: string | undefined): string => text ?? 'not there';
  const lines = [...differences].flatMap(([host, found]) =>
    found.map(({ where, keyword, before, after }) =>
      `${host}: ${where}: ${keyword}: was ${side(before)}, is ${side(after)}`.replace(': :', ':'),
    ),
  );
  const summary =
    lines.length === 0
      ? 'rendered again it says the same'
      : `rendered again it does not say the same: ${lines.length} differences`;
  return [...complaints.map(formatDiagnostic), ...lines, summary];
}
