/** All modules and reverters, by name. */
import type { AnyModule, Reverter } from '#provision/model/module.ts';
import { blockinfile, blockReverter } from './blockinfile.ts';
import { copy } from './copy.ts';
import { file } from './file.ts';
import { fileReverter } from './file-reverter.ts';
import { firewall, firewallReverter } from './firewall.ts';
import { gate } from './gate.ts';
import { leftovers } from './leftovers.ts';
import { modprobe, modprobeReverter } from './modprobe.ts';
import { packageReverter, packages } from './package.ts';
import { service, serviceReverter } from './service.ts';
import { serviceFacts } from './service-facts.ts';
import { sysctl, sysctlReverter } from './sysctl.ts';
import { releaseReverter, tandemdRelease } from './tandemd-release.ts';
import { tandemdRollback } from './tandemd-rollback.ts';
import { teardownModule } from './teardown.ts';
import { template } from './template.ts';

/** How each kind of resource is taken back. */
export const REVERTERS: ReadonlyMap<string, Reverter> = new Map(
  [
    fileReverter,
    blockReverter,
    modprobeReverter,
    sysctlReverter,
    packageReverter,
    serviceReverter,
    firewallReverter,
    releaseReverter,
  ].map(reverter => [reverter.kind, reverter]),
);

/** What a task may name. */
export const MODULES: ReadonlyMap<string, AnyModule> = new Map(
  [
    blockinfile,
    copy,
    file,
    firewall,
    gate,
    leftovers,
    modprobe,
    packages,
    service,
    serviceFacts,
    sysctl,
    tandemdRelease,
    tandemdRollback,
    teardownModule(REVERTERS),
    template,
  ].map(module => [module.name, module as AnyModule]),
);
