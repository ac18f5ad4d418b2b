/** Real servers that are taken out of service, and the directors that have to know. */
import {
  type DepartureOrders,
  type LeavingService,
  leavingServices,
  weightless,
} from '#provision/model/departures.ts';
import { type PlaySettings, runHosts, type RunParts, type Site } from './site.ts';

/** Directors' files and what they are verified by, of playbooks/site.yml. */
const CONFIGURATION_TAG = 'vrrp_configuration';

/** Clusters that hosts leave: those in front of them, and those they run instances of. */
export interface Front {
  readonly clusters: readonly string[];
  /** Those of the hosts that run instances. */
  readonly own: readonly string[];
  /** All members of the clusters. */
  readonly directors: ReadonlySet<string>;
  readonly services: (director: string) => readonly LeavingService[];
}

/** The clusters that send to any of `hosts`; with `own` also those that they are members of. */
export function frontOf({ topology }: Site, hosts: ReadonlySet<string>, own: 'own' | 'others'): Front {
  const isOwn = (name: string): boolean => own === 'own' && hosts.has(name);
  const servicesOf = (name: string): LeavingService[] => {
    const host = topology.hosts.get(name);
    return host ? leavingServices(host, hosts) : [];
  };
  const clusters = topology.clusters.filter(cluster =>
    cluster.hosts.some(name => isOwn(name) || servicesOf(name).length > 0),
  );
  const directors = new Set(clusters.flatMap(cluster => cluster.hosts));
  const services = new Map([...directors].map(name => [name, servicesOf(name)]));
  return {
    clusters: clusters.map(({ name }) => name),
    directors,
    own: [...directors].filter(isOwn),
    services: name => services.get(name) ?? [],
  };
}

/** Without a `drain_timeout` anywhere, seconds. */
const DRAIN_TIMEOUT_S = 60;

/** How long connections may take to end: `given` (seconds), or as the virtual servers have it; milliseconds. */
export function drainTimeoutMs({ directors, services }: Front, given: number | undefined): number {
  const configured = [...directors].flatMap(services).flatMap(({ drainTimeoutS }) => drainTimeoutS ?? []);
  return (given ?? (configured.length > 0 ? Math.max(...configured) : DRAIN_TIMEOUT_S)) * 1000;
}

/** A run over the directors that changes their files by `orders` and by nothing else. */
export function directorParts(
  site: Site,
  front: Front,
  settings: Omit<PlaySettings, 'tags' | 'skipTags' | 'departures'>,
  orders: DepartureOrders,
): RunParts {
  const isTold = (name: string): boolean => front.services(name).length > 0 || front.own.includes(name);
  return runHosts(
    { ...site, selected: front.directors },
    {
      ...settings,
      tags: [CONFIGURATION_TAG],
      skipTags: [],
      departures: name => {
        const topology = site.topology.hosts.get(name);
        if (!topology || !isTold(name)) return undefined;
        return { ...orders, refuses: departures => weightless(topology, departures) };
      },
    },
  );
}
