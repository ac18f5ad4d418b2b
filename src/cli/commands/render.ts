/** `tandem render`: what a template becomes for a host, without asking the host. */
import { resolve } from 'node:path';
import { InputError } from '#base/errors.ts';
import { UsageError } from '#cli/exit.ts';
import type { InventoryOptions } from '#cli/options.ts';
import { loadSite, PACKAGE_ROOT, type Site } from '#cli/site.ts';
import { renderTemplate, TemplateError } from '#provision/model/template.ts';
import { clearText } from '#provision/model/vault.ts';

export async function renderCommand(
  file: string | undefined,
  options: InventoryOptions & { readonly host: string },
): Promise<void> {
  const site = loadSite(options);
  if (!site.inventory.hosts.has(options.host)) {
    const known = [...site.inventory.hosts.keys()].join(', ');
    throw new UsageError(`--host ${options.host}: there is no such host (there are: ${known})`);
  }
  process.stdout.write(
    file === undefined ? renderConfiguration(site, options.host) : renderFile(site, options.host, file),
  );
}

/** The host's keepalived.conf, secrets included: it is what will be written. */
export function renderConfiguration(site: Site, host: string): string {
  return renderFile(site, host, resolve(PACKAGE_ROOT, 'roles/vrrp/templates/keepalived.conf.njk'));
}

function renderFile(site: Site, host: string, file: string): string {
  const text = site.files.read(file);
  if (text === undefined) throw new UsageError(`there is no template ${file}`);
  try {
    return renderTemplate(clearText(site.files, file, text), site.variables(host), { file });
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    const { reason, position, hint } = error;
    throw new InputError([
      {
        id: 'template',
        severity: 'error',
        message: reason,
        position,
        ...(hint === undefined ? {} : { hint }),
      },
    ]);
  }
}
