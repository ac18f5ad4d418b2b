import { describe, expect, test } from 'vitest';
import { renderedComplaints } from './rendered-complaints.ts';
import { emptyHostTopology } from './topology.ts';

const instance = (...more: string[]): string =>
  `vrrp_instance V {
interface eth0
virtual_router_id 7
${more.join('\n')}
virtual_ipaddress {
10.0.0.9
}
}
`;

const complaints = (text: string, daemon: 'tandemd' | 'keepalived' = 'tandemd') =>
  renderedComplaints({ ...emptyHostTopology('ka67'), daemon }, text).map(({ severity, id }) => [
    severity,
    id,
  ]);

describe('the keepalived.conf of a host', () => {
  test('nothing is said of a good one', () => {
    expect(complaints(instance())).toEqual([]);
  });

  test.each([
    ['rule-preference', instance('virtual_rules {', 'from 10.0.0.9 table 100', '}')],
    ['route-untracked', instance('virtual_routes {', '10.9.0.0/24 via 10.0.0.254', '}')],
    ['track-own-interface', instance('track_interface {', 'eth0 weight 5', '}')],
  ])('%s: the daemon takes it', (id, text) => {
    expect(complaints(text)).toEqual([['warning', id]]);
  });

  test('what the topology warns of is not said twice', () => {
    const long = instance('authentication {', 'auth_type PASS', 'auth_pass 123456789', '}');
    expect(complaints(`${long}vrrp_sync_group G {\ngroup {\nV\n}\n}\n`)).toEqual([]);
  });

  test('a line that would be lost is an error', () => {
    expect(complaints(instance('garp_master_delay -1'))).toEqual([['error', 'value-out-of-range']]);
    expect(complaints(instance('prioritty 100'))).toEqual([['error', 'keyword-unknown']]);
  });

  test('a stock keepalived may know the keyword', () => {
    expect(complaints(instance('prioritty 100'), 'keepalived')).toEqual([]);
    expect(complaints(instance('garp_master_delay -1'), 'keepalived')).toEqual([
      ['error', 'value-out-of-range'],
    ]);
  });

  test('the place is a line of the text', () => {
    const [first] = renderedComplaints(emptyHostTopology('ka67'), instance('prioritty 100'));
    expect(first?.position).toEqual({ file: 'keepalived.conf of ka67', line: 4, column: 1 });
  });
});
