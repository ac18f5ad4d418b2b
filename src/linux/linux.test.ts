import { describe, expect, test } from 'vitest';
import { parseIp } from '#base/address.ts';
import { must } from '#base/assert.ts';
import { HOST_IS_LITTLE_ENDIAN } from '#wire/layout.ts';
import { errnoName, kernelFailure } from './failure.ts';
import { nativeFile } from './native.ts';
import { ipSocketAddress, packetInfo, unixSocketAddress } from './socket-address.ts';

const ip = (text: string) => must(parseIp(text), text);
const hex = (bytes: Uint8Array | undefined) => Buffer.from(must(bytes, 'bytes')).toString('hex');

describe('failures', () => {
  test('name the errno and carry the kernel’s words where it gave some', () => {
    expect(kernelFailure('address add', 17).message).toBe('address add: EEXIST: file already exists');
    expect(kernelFailure('address add', 22, 'Invalid prefix').message).toBe(
      'address add: EINVAL: Invalid prefix',
    );
    expect(errnoName(105)).toBe('ENOBUFS');
    expect(errnoName(64)).toBe('ENONET');
    expect(errnoName(200)).toBe('errno 200');
  });
});

test('the addon is beside a bundle, or where the build of a checkout leaves it', () => {
  expect(nativeFile('/opt/tandem/current/tandemd.js')).toBe('/opt/tandem/current/tandem.node');
  expect(nativeFile('/src/tandem/src/linux/native.ts')).toBe(
    `/src/tandem/build/native/tandem-${process.arch}.node`,
  );
});

describe.runIf(HOST_IS_LITTLE_ENDIAN)('kernel structures', () => {
  test('socket addresses', () => {
    expect(hex(ipSocketAddress(ip('192.0.2.1'), 3))).toBe('02000000c00002010000000000000000');
    const rest = '0000000000000000000000000001';
    expect(hex(ipSocketAddress(ip('fe80::1'), 3))).toBe(`0a00000000000000fe80${rest}03000000`);
    expect(hex(ipSocketAddress(ip('ff02::1'), 3))).toBe(`0a00000000000000ff02${rest}03000000`);
    expect(hex(ipSocketAddress(ip('2001::1'), 3))).toBe(`0a000000000000002001${rest}00000000`);
  });

  test('unix paths, abstract names, and what does not fit', () => {
    expect(hex(unixSocketAddress('/a'))).toBe('01002f61');
    expect(hex(unixSocketAddress('@a'))).toBe('01000061');
    expect(unixSocketAddress(`/${'x'.repeat(106)}`)).toHaveLength(109);
    expect(unixSocketAddress(`/${'x'.repeat(107)}`)).toBeUndefined();
  });

  test('control messages that choose source and interface', () => {
    expect(hex(packetInfo(ip('192.0.2.1'), 3))).toBe(
      ['1c00000000000000', '00000000', '08000000', '03000000', 'c0000201', '00000000', '00000000'].join(''),
    );
    expect(hex(packetInfo(ip('fe80::1'), 3))).toBe(
      [
        '2400000000000000',
        '29000000',
        '32000000',
        'fe800000000000000000000000000001',
        '03000000',
        '00000000',
      ].join(''),
    );
  });
});
