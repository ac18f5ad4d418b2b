import { type Diagnostic, InputError } from '#base/errors.ts';
import { renderedComplaints } from '#provision/model/rendered-complaints.ts';
import { renderConfiguration } from './render.ts';
import type { Site } from '#cli/site.ts';

/**
 * Warnings about the configurations that the selected hosts get, each once though several hosts have it.
 *
 * @throws {InputError} where a host would refuse its configuration, so that nothing is sent to any.
 */
export function checkConfigurations(site: Site): Diagnostic[] {
  const seen = new Set<string>();
  const found = [...site.selected].flatMap(name => {
    const host = site.topology.hosts.get(name);
    if (!host) return [];
    return renderedComplaints(host, renderConfiguration(site, name)).filter(({ id, message }) => {
      const key = `${id} ${message}`;
      const isNew = !seen.has(key);
      seen.add(key);
      return isNew;
    });
  });
  if (found.some(({ severity }) => severity === 'error')) throw new InputError([...site.warnings, ...found]);
  return found;
}
