import { describe, expect, test } from 'vitest';
import { inspect } from 'node:util';
import { SecretBytes } from '#conf/secret.ts';
import { advertisementFrom } from '#testing/advertisement.ts';
import { frame } from '#testing/lan.ts';
import { instance, ip } from '#testing/scenario-config.ts';
import { integrityCheckValue } from '#wire/vrrp-ah.ts';
import { AdvertisementPacket } from '#wire/vrrp-packet.ts';
import { Authenticator } from './authenticator.ts';

const PEER = ip('192.0.2.9');
const GROUP = ip('224.0.0.18');
const position = { file: 'test.conf', line: 1, column: 1 };
const data = new TextEncoder().encode('sesame\0\0');
const config = instance({ authentication: { type: 'AH', data: new SecretBytes(data), position } });

function packet(source: Uint8Array, sequence: number) {
  const encoded = new AdvertisementPacket({
    version: 2,
    vrid: 51,
    adverIntervalMs: 1000,
    addresses: [],
    source,
    destination: GROUP,
    cast: 'multicast',
    pseudoHeader: false,
    authentication: { type: 'AH', data },
  });
  encoded.setPriority(100, sequence);
  return frame({ source, destination: GROUP, payload: encoded.bytes, isAh: true });
}

describe('AH sequence numbers', () => {
  const accepts = (authenticator: Authenticator, arrival: ReturnType<typeof frame>) =>
    authenticator.packetIsAuthentic(arrival.bytes, arrival.offset, arrival.end, 'multicast');

  test('start where they are told to, and count on from the greatest that was heard', () => {
    const authenticator = new Authenticator(config, 1000);
    expect(authenticator.nextSequence()).toBe(1001);
    expect(accepts(authenticator, packet(PEER, 500))).toBe(true);
    expect(authenticator.nextSequence()).toBe(1002);
    expect(accepts(authenticator, packet(PEER, 5000))).toBe(true);
    expect(authenticator.nextSequence()).toBe(5001);
  });

  test('of one sender never fall back, but another sender has its own', () => {
    const authenticator = new Authenticator(config, 0);
    expect(accepts(authenticator, packet(PEER, 10))).toBe(true);
    expect(accepts(authenticator, packet(PEER, 10))).toBe(false);
    expect(accepts(authenticator, packet(PEER, 9))).toBe(false);
    expect(accepts(authenticator, packet(ip('192.0.2.8'), 1))).toBe(true);
  });

  test('survive a reload', () => {
    const authenticator = new Authenticator(config, 0);
    const before = new Authenticator(config, 77);
    authenticator.continueFrom(before);
    expect(authenticator.nextSequence()).toBe(78);
  });
});

test('an index that is not the sender’s address is refused, even if it is signed', () => {
  const arrival = packet(PEER, 1);
  arrival.bytes[20 + 7] = 8;
  const covered = arrival.bytes.slice();
  covered[1] = 0;
  covered.fill(0, 6, 8);
  covered.fill(0, 10, 12);
  covered.fill(0, 32, 44);
  arrival.bytes.set(integrityCheckValue(data, covered.subarray(0, 20), covered.subarray(20)), 32);
  const authenticator = new Authenticator(config, 0);
  expect(authenticator.packetIsAuthentic(arrival.bytes, 20, arrival.end, 'multicast')).toBe(false);
  const sound = advertisementFrom(config, PEER);
  expect(authenticator.packetIsAuthentic(sound.bytes, 20, sound.end, 'multicast')).toBe(true);
});

test('the secret does not show', () => {
  const shown = inspect(new Authenticator(config, 0), { depth: 9, showHidden: true });
  expect(shown).not.toContain('115');
  expect(JSON.stringify(new Authenticator(config, 0))).not.toContain('115');
});
