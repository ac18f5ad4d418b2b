import { atOnce } from '#base/steps.ts';
import type { Operation, SeenService, SyncDaemon } from '#lvs/ports.ts';
import { CONTROL_FAMILY, parseFamily, writeFamilyRequest, writeGeneric } from '#wire/genetlink.ts';
import { parseDaemon, writeDaemon, writeDaemonRole, writeTimeouts } from '#wire/ipvs-daemon.ts';
import { parseDestination, writeDestination, writeDestinationKey } from '#wire/ipvs-destination.ts';
import { parseService, writeService, writeServiceKey } from '#wire/ipvs-service.ts';
import { IPVS_CMD, IPVS_FAMILY, IPVS_VERSION } from '#wire/ipvs.ts';
import type { NetlinkWriter } from '#wire/netlink.ts';
import { ERRNO, kernelFailure } from './failure.ts';
import { operationName, serviceName } from './ipvs-words.ts';
import { loadModule } from './kernel-module.ts';
import { loadNative } from './native.ts';
import { NetlinkConnection, type NetlinkRequest } from './netlink.ts';
import type { Ipvs, Result } from './ports.ts';

const NETLINK_GENERIC = 16;
const MODULE = 'ip_vs';

/**
 * The IPVS table of the network namespace that the calling thread is in now. Loads the module `ip_vs` if the kernel
 * does not have it, for which it starts a process; `ENOENT`, with modprobe's reason and a way out, where that fails.
 */
export function openIpvs(): Result<Ipvs> {
  const connection = NetlinkConnection.open(loadNative(), NETLINK_GENERIC);
  if (!connection.ok) return connection;
  const family = findFamily(connection.value);
  if (family.ok) return { ok: true, value: ipvsTable(connection.value, family.value) };
  connection.value.close();
  return family;
}

function findFamily(connection: NetlinkConnection): Result<number> {
  const present = askFamily(connection);
  if (present.ok || present.failure.errno !== ERRNO.ENOENT) return present;
  const reason = loadModule(MODULE);
  const loaded = reason === undefined ? askFamily(connection) : present;
  if (loaded.ok || loaded.failure.errno !== ERRNO.ENOENT) return loaded;
  const words =
    `this kernel has no IPVS and the module ${MODULE} cannot be loaded` +
    `${reason === undefined ? '' : ` (${reason})`}; load it as root, in a container on its host: modprobe ${MODULE}`;
  return { ok: false, failure: kernelFailure('open IPVS', ERRNO.ENOENT, words) };
}

function askFamily(connection: NetlinkConnection): Result<number> {
  const request: NetlinkRequest = {
    type: CONTROL_FAMILY,
    flags: 0,
    describe: () => `find the generic netlink family ${IPVS_FAMILY}`,
    write: writer => writeFamilyRequest(writer, IPVS_FAMILY),
  };
  return connection.ask(request, parseFamily);
}

function ipvsTable(connection: NetlinkConnection, family: number): Ipvs {
  const request = (
    command: number,
    describe: () => string,
    write: (writer: NetlinkWriter) => void,
  ): NetlinkRequest => ({
    type: family,
    flags: 0,
    describe,
    write: writer => write(writeGeneric(writer, command, IPVS_VERSION)),
  });
  const change = (command: number, call: string, write: (writer: NetlinkWriter) => void) =>
    connection.batch([request(command, () => call, write)])[0];
  return {
    services: () => atOnce(dumpServices(connection, family)),
    servicesInSteps: () => dumpServices(connection, family),
    apply: operations =>
      connection.batch(
        operations.map(operation => {
          const { command, write } = messageFor(operation);
          return request(command, () => operationName(operation), write);
        }),
      ),
    setTimeouts: timeouts =>
      change(IPVS_CMD.setConfig, 'set timeouts', writer => writeTimeouts(writer, timeouts)),
    syncDaemons: () =>
      connection.dump(
        family,
        writer => writeGeneric(writer, IPVS_CMD.getDaemon, IPVS_VERSION),
        message => parseDaemon(message.body),
        'list sync daemons',
      ),
    startSync: daemon => change(IPVS_CMD.newDaemon, startCall(daemon), writer => writeDaemon(writer, daemon)),
    stopSync: role =>
      change(IPVS_CMD.delDaemon, `stop sync daemon ${role}`, writer => writeDaemonRole(writer, role)),
    close: () => connection.close(),
  };
}

function startCall(daemon: SyncDaemon): string {
  return `start sync daemon ${daemon.role} on ${daemon.interfaceName}`;
}

function* dumpServices(
  connection: NetlinkConnection,
  family: number,
): Generator<undefined, Result<SeenService[]>> {
  const services = connection.dump(
    family,
    writer => writeGeneric(writer, IPVS_CMD.getService, IPVS_VERSION),
    message => parseService(message.body),
    'list virtual servers',
  );
  if (!services.ok) return services;
  const seen: SeenService[] = [];
  for (const service of services.value) {
    const { key } = service;
    const destinations = connection.dump(
      family,
      writer => writeServiceKey(writeGeneric(writer, IPVS_CMD.getDestination, IPVS_VERSION), key),
      message => parseDestination(message.body, key.family),
      `list real servers of ${serviceName(key)}`,
    );
    if (!destinations.ok) return destinations;
    seen.push({ ...service, destinations: destinations.value });
    yield;
  }
  return { ok: true, value: seen };
}

function messageFor(operation: Operation): {
  readonly command: number;
  readonly write: (writer: NetlinkWriter) => void;
} {
  switch (operation.type) {
    case 'addService':
    case 'editService':
      return {
        command: operation.type === 'addService' ? IPVS_CMD.newService : IPVS_CMD.setService,
        write: writer => writeService(writer, operation.service),
      };
    case 'removeService':
      return { command: IPVS_CMD.delService, write: writer => writeServiceKey(writer, operation.key) };
    case 'addDestination':
    case 'editDestination':
      return {
        command: operation.type === 'addDestination' ? IPVS_CMD.newDestination : IPVS_CMD.setDestination,
        write: writer => {
          writeServiceKey(writer, operation.key);
          writeDestination(writer, operation.destination);
        },
      };
    case 'removeDestination':
      return {
        command: IPVS_CMD.delDestination,
        write: writer => {
          writeServiceKey(writer, operation.key);
          writeDestinationKey(writer, operation.destination);
        },
      };
    case 'zero':
      return {
        command: IPVS_CMD.zero,
        write: writer => {
          if (operation.key) writeServiceKey(writer, operation.key);
        },
      };
  }
}
