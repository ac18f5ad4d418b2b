/** `send-noise.ts GROUP OWN-ADDRESS`: sends, from eth0, packets that no router may take for an advertisement. */
import { parseIp } from '#base/address.ts';
import { must } from '#base/assert.ts';
import { openKernel } from '#linux/kernel.ts';
import { AdvertisementPacket } from '#wire/vrrp-packet.ts';

const [group = '', own = ''] = process.argv.slice(2).map(text => must(parseIp(text), text));
const opened = openKernel();
if (!opened.ok || group === '' || own === '') throw new Error('usage: send-noise.ts GROUP OWN-ADDRESS');
const kernel = opened.value;
const links = kernel.tables.links();
const link = links.ok ? links.value.find(each => each.name === 'eth0') : undefined;
const ifindex = must(link, 'eth0').ifindex;

function send(bytes: Uint8Array, ttl: number): void {
  if (typeof group === 'string' || typeof own === 'string') return;
  const local = { cast: 'multicast', group } as const;
  const options = { interfaceName: 'eth0', ifindex, family: 4, protocol: 'vrrp', local, ttl } as const;
  const socket = kernel.openVrrpSocket(options, { packet: () => {}, failed: () => {} });
  if (!socket.ok) throw new Error(socket.failure.message);
  socket.value.send(socket.value.target(group, own), bytes, bytes.length);
  socket.value.close();
}

if (typeof group === 'string' || typeof own === 'string') throw new Error('unreachable');
const packet = new AdvertisementPacket({
  version: 3,
  vrid: 103,
  adverIntervalMs: 100,
  addresses: [must(parseIp('172.16.8.100'), 'address')],
  source: own,
  destination: group,
  cast: 'multicast',
  pseudoHeader: true,
});
packet.setPriority(255);
const good = packet.bytes;

send(good, 254);
for (let length = 0; length < good.length; length++) send(good.subarray(0, length), 255);
for (let bit = 0; bit < good.length * 8; bit++) {
  const flipped = Uint8Array.from(good);
  flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  send(flipped, 255);
}
// A seeded generator (Numerical Recipes' constants): the same noise every time.
let state = 1;
for (let i = 0; i < 300; i++) {
  const noise = Uint8Array.from(
    { length: i % 60 },
    () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) >>> 24,
  );
  if (noise.length > 1) noise[1] = 103;
  send(noise, 255);
}
process.exit(0);
