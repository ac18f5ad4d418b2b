import { describe, expect, test } from 'vitest';
import { measure, parsePingLine } from './ping-output.ts';

describe('what ping prints', () => {
  test.each([
    ['[1795252625.810389] 64 bytes from 127.0.0.1: icmp_seq=1 ttl=64 time=0.264 ms', 1, true],
    ['[1795252626.500000] no answer yet for icmp_seq=7', 7, false],
    ['[1795252626.500000] From 172.16.8.1 icmp_seq=8 Destination Host Unreachable', 8, false],
  ])('%s', (line, sequence, answered) => {
    expect(parsePingLine(line)).toMatchObject({ sequence, answered });
  });

  test('other lines say nothing about an echo', () => {
    expect(parsePingLine('PING 127.0.0.1 (127.0.0.1) 56(84) bytes of data.')).toBeUndefined();
    expect(parsePingLine('3 packets transmitted, 3 received, 0% packet loss, time 405ms')).toBeUndefined();
  });

  test('losses and the largest gap; a late answer is one', () => {
    const answer = (sequence: number, timeMs: number, answered = true) => ({ sequence, timeMs, answered });
    const lines = [
      answer(1, 1000),
      answer(2, 1020, false),
      answer(3, 1030, false),
      answer(2, 1035),
      answer(4, 1100),
    ];
    const report = measure(lines, 990, 1110);
    expect(report).toEqual({ sent: 4, lost: 1, largestGapMs: 65, answeredAtMs: [1000, 1035, 1100] });
  });

  test('silence at the end counts, and silence throughout', () => {
    expect(measure([{ sequence: 1, timeMs: 1000, answered: true }], 990, 5000).largestGapMs).toBe(4000);
    expect(measure([], 990, 5000)).toEqual({ sent: 0, lost: 0, largestGapMs: 4010, answeredAtMs: [] });
  });
});
