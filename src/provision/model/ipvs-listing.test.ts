import { expect, test } from 'vitest';
import { virtualServersIn } from './ipvs-listing.ts';

const LISTING = `IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port Forward Weight ActiveConn InActConn
TCP  0A100864:0050 rr 
  -> 0A100809:0050      Route   1      2          7
  -> 0A100808:0050      Route   0      1          3
UDP  [fd00:0016:0000:0000:0000:0000:0000:0100]:0035 wlc persistent 300
  -> [fd00:0016:0000:0000:0000:0000:0000:0009]:0035      Masq    3      0          5
FWM  0000000A rr 
  -> 0A100808:0000      Tunnel  1      0          0
`;

test('services and destinations under the names that tandemd gives them', () => {
  const seen = virtualServersIn(LISTING);
  expect(seen.map(({ name, liveWeight }) => [name, liveWeight])).toEqual([
    ['[10.16.8.100]:tcp:80', 1],
    ['[fd00:16::100]:udp:53', 3],
    ['FWM 10', 1],
  ]);
  expect(seen[0]?.realServers).toMatchObject([
    { name: '[10.16.8.9]:tcp:80', up: true, weight: 1, activeConnections: 2, inactiveConnections: 7 },
    { name: '[10.16.8.8]:tcp:80', up: false, weightInKernel: 0, activeConnections: 1 },
  ]);
  expect(seen[1]?.realServers[0]?.name).toBe('[fd00:16::9]:udp:53');
});

test('a kernel without IPVS has none', () => {
  expect(virtualServersIn('')).toEqual([]);
});
