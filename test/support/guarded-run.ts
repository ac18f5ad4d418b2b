/** Run in a lab's controller: applies one guarded change to one host and prints the events, one a line. */
import { sh } from '#provision/model/shell.ts';
import type { HostPlanner } from '#provision/run/ports.ts';
import { run } from '#provision/run/run.ts';
import { createTransport } from '#provision/run/transport.ts';

const [configFile = '', host = '', port = ''] = process.argv.slice(2);
const change = {
  resource: 'firewall:test',
  from: null,
  to: port,
  summary: 'drop',
  effect: 'connectivity',
} as const;
const table = sh`table inet tandem_test { chain input { type filter hook input priority 0; tcp dport ${port} drop; }; }`;

const planner: HostPlanner = {
  probe: () => ({ parts: [] }),
  plan: () => ({
    host,
    tasks: [{ id: 1, role: undefined, name: 'firewall', status: 'pending', changes: [] }],
    early: [],
    guarded: [{ kind: 'apply', task: 1, name: 'firewall', change, fragment: sh`nft ${table.text}` }],
    selfRevert: sh`nft delete table inet tandem_test`,
    turn: [],
    gates: [],
    resumed: [],
    live: undefined,
    barrier: false,
  }),
};

const report = await run({
  command: 'apply',
  hosts: [{ access: { name: host }, planner, selected: true }],
  clusters: [],
  transport: createTransport({ configFile }),
  emit: event => console.log(JSON.stringify(event)),
  settings: { selfRevertMs: 6000 },
});
process.exitCode = report.exitCode;
