import { RawJson, Refusal, type RequestHandlers } from '#control/server.ts';
import type { HandoverResult } from '#control/status.ts';
import { ControlService, namedRouter } from './control-service.ts';
import type { Daemon } from './daemon.ts';
import { explain } from './explain.ts';
import { endHandOver, handOver } from './handover.ts';
import type { Log } from './log.ts';

/** Where a running daemon answers. */
export interface ControlPlaces {
  /** Of the control socket. */
  readonly path: string;
  /** `--metrics-port`, on loopback; undefined: none. */
  readonly metricsPort: number | undefined;
}

/** Serves the control socket, and the metrics if they are to have a port. In a module of its own: loading it takes time that the first advert does not have. */
export function serveControl(daemon: Daemon, { path, metricsPort }: ControlPlaces, log: Log): void {
  const { servers } = daemon.scripts;
  const metrics = async (): Promise<readonly string[]> => [daemon.metrics(), ...(await servers.metrics())];
  const find = (name: string) => daemon.findRouter(name);
  const handlers: RequestHandlers = {
    status: () => daemon.status(),
    servers: async () => new RawJson(['{"virtualServers":', ...(await servers.report()), '}']),
    stats: async () => new RawJson(['{"text":"', ...(await metrics()).map(insideJson), '"}']),
    explain: parameters => {
      const router = namedRouter(parameters, find);
      return explain(daemon.runtime.engine, router, daemon.clocks.monotonicMs());
    },
    handover: (parameters): HandoverResult | Promise<HandoverResult> => {
      const router = namedRouter(parameters, find);
      if (parameters['end'] === true) return endHandOver(daemon.runtime, router, daemon.clocks);
      return handOver(daemon.runtime, router, timeoutOf(parameters), daemon.clocks);
    },
    reload: () => daemon.reload(),
  };
  const service = new ControlService(path, handlers);
  service.listen(log);
  const closing = [() => service.close()];
  if (metricsPort !== undefined)
    void import('./metrics-port.ts').then(({ serveMetrics }) => {
      const port = serveMetrics(metricsPort, metrics, log);
      closing.push(() => port.close());
    });
  daemon.publishTo(
    event => service.publish(event),
    () => {
      for (const close of closing) close();
    },
  );
}

/** Text as it stands between the quotes of a JSON string. */
function insideJson(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

function timeoutOf(parameters: Readonly<Record<string, unknown>>): number {
  const timeoutMs = parameters['timeoutMs'];
  if (typeof timeoutMs !== 'number' || !(timeoutMs > 0))
    throw new Refusal('bad-request', '"timeoutMs" must be a positive number');
  return timeoutMs;
}
