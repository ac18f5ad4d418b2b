import type { Program } from './peer.ts';

/** Lines at warning or above that a row of the interoperation matrix may see. */
interface LogException {
  readonly program: Program;
  readonly line: RegExp;
  readonly reason: string;
}

const LOG_EXCEPTIONS: readonly LogException[] = [
  {
    program: 'tandemd',
    line: /^<4>\(VG_1\) Entering FAULT STATE \(interface eth0 is down\)$/,
    reason: 'the row cuts the cable',
  },
  {
    program: 'tandemd',
    line: /^<4>\(VG_2\) Entering FAULT STATE \(VG_1 of sync group G is at fault\)$/,
    reason: 'the row cuts the cable of the other member',
  },
  {
    program: 'tandemd',
    line: /^<4>\(VG_1\) received priority \d+ from \S+ while MASTER$/,
    reason: 'the row splits the network, and after that two are MASTER',
  },
  {
    program: 'tandemd',
    line: /^<4>the process was held up for \d+ ms \(stopped, or no CPU\)$/,
    reason:
      'the CPUs are shared with other rows, and with who knows what; what comes of it has bounds of its own',
  },
  {
    program: 'keepalived',
    line: /^Remove a zombie pid file \S+$/,
    reason: 'the row has killed it',
  },
  {
    program: 'keepalived',
    line: /^\(VG_1\) IPSEC-AH : sequence number \d+ already processed\. Packet dropped\. Local\(\d+\)$/,
    reason:
      'it counts what it sent while its cable was cut, too, and so is ahead of its peer until that hears it',
  },
  {
    program: 'frr',
    line: /\[IPv6\] Failed to find address to bind on vrrp0$/,
    reason:
      'vrrpd binds again when its interface comes up, before zebra has told it the address; the old binding stays',
  },
  {
    program: 'frr',
    line: /Refusing to start Virtual Router: (Already running|No VRRP interface|No primary IPv4 address|VRRPv2 does not support v6)$/,
    reason:
      'vrrpd tries both families at every event, before it knows the interfaces and when it runs already',
  },
  {
    program: 'frr',
    line: /Interface: None \(no interface found w\/ MAC 00:00:5e:00:0[12]:67\)$/,
    reason: 'vrrpd reads its configuration before zebra has told it the interfaces',
  },
  {
    program: 'frr',
    line: /fe80::\/64: Failed to enqueue dataplane install$/,
    reason: 'zebra, for the link-local prefix of an interface that comes and goes',
  },
  {
    program: 'frr',
    line: /stream_read_try: read failed on fd \d+: Connection reset by peer$/,
    reason: 'zebra, when the test ends vrrpd',
  },
  {
    program: 'frr',
    line: /Client 'vrrp' encountered an error and is shutting down\.$/,
    reason: 'zebra, when the test ends vrrpd',
  },
];

/** How a program's lines begin. */
const TIMES: Readonly<Record<Program, RegExp>> = {
  tandemd: /^(?!)/,
  keepalived: /^\w{3} \w{3} [ \d]\d [\d:]{8} \d{4}: /,
  frr: /^[\d/]{10} [\d:]{8} /,
};

/**
 * What keepalived 2.2.7 says at notice or below (`-D` included). Its console log does not state severities, so that
 * every other line of it counts as a complaint.
 */
const KEEPALIVED_ORDINARY: readonly RegExp[] = [
  /^(Starting|Stopped) (Keepalived|VRRP child process)\b/,
  /^Running on Linux /,
  /^Command line: '/,
  /^ {14}'/,
  /^(Opening file|Configuration file) /,
  /^NOTICE: setting config option max_auto_priority should result in better keepalived performance$/,
  /^Registering (Kernel netlink|gratuitous ARP|gratuitous NDISC) /,
  /^Assigned address \S+ for interface eth\d$/,
  /^\(\w+\) (removing|setting) VIPs\.$/,
  /^\(\w+\) Entering (BACKUP|MASTER|FAULT) STATE( \(init\))?$/,
  /^VRRP sockpool: \[/,
  /^Startup complete$/,
  /^Stopping$/,
  /^Stopped - used /,
  /^CPU usage /,
  /^\(\w+\) Receive advertisement timeout$/,
  /^(\(\w+\) )?Sending(\/queueing)? (gratuitous ARPs?|[uU]nsolicited Neighbour Adverts?) on (eth\d|vrrp\.\d+) for \S+$/,
  /^\w+: sending gratuitous ARP for \S+$/,
  /^Netlink reports (eth\d|vrrp\.\d+) (up|down)$/,
  /^use_vmac or no_accept\/strict specified, but no firewall configured - using nftables$/,
  /^\(\w+\):? Success (creating|removing) VMAC interface vrrp\.\d+$/,
  /^\(\w+\) sent 0 priority$/,
  /^\(\w+\) (Backup received priority 0 advertisement|Master received priority 0 message)$/,
  /^\(\w+\) Master received advert from \S+ with higher priority \d+, ours \d+$/,
  /^\(\w+\) Master received advert from \S+ with same priority \d+ but higher IP address than ours$/,
  /^\(\w+\) received lower priority \(\d+\) advert from \S+ - discarding$/,
  /^\(\w+\) Received advert from \S+ with lower priority \d+, ours \d+, forcing new election$/,
  /^\(\w+\) advertisement interval updated from \d+ms to \d+ms by master$/,
  /^\(\w+\) changing advert interval from \d+ms to locally configured \d+ms$/,
  /^VRRP_Group\(\w+\) Syncing instances to (MASTER|BACKUP|FAULT) state$/,
];

/** The different lines of a program's log at warning or above that no exception covers, without their times. */
export function complaintsIn(program: Program, log: string): string[] {
  const exceptions = LOG_EXCEPTIONS.filter(each => each.program === program);
  const lines = log
    .split('\n')
    .map(line => line.replace(TIMES[program], ''))
    .filter(line => line !== '' && isComplaint(program, line))
    .filter(line => !exceptions.some(each => each.line.test(line)));
  return [...new Set(lines)];
}

function isComplaint(program: Program, line: string): boolean {
  if (program === 'tandemd') return !/^<[567]>/.test(line);
  if (program === 'frr') return /^(warnings|errors|critical|alerts|emergencies): /.test(line);
  return !KEEPALIVED_ORDINARY.some(each => each.test(line));
}
