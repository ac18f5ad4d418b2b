import { describe, expect, test } from 'vitest';
import { repositories, sourcesFor, transportLines } from './debian-mirror.ts';

const TARGETS = `http://mirror.example/debian/ bookworm main Debian
http://mirror.example/debian/ bookworm contrib Debian
http://mirror.example/debian-security/ bookworm-security main Debian
https://tools.example/apt/ nodistro main Other
`;

describe('the machine’s apt', () => {
  test('its own release is taken with all suites of Debian’s main', () => {
    expect(sourcesFor('bookworm', 'bookworm', repositories(TARGETS))).toEqual([
      'deb http://mirror.example/debian/ bookworm main',
      'deb http://mirror.example/debian-security/ bookworm-security main',
    ]);
  });

  test('another release comes from the same place', () => {
    expect(sourcesFor('trixie', 'bookworm', repositories(TARGETS))).toEqual([
      'deb http://mirror.example/debian/ trixie main',
    ]);
  });

  test('a machine that is not Debian has nothing to offer', () => {
    expect(
      sourcesFor('bookworm', 'noble', repositories('http://mirror.example/ubuntu/ noble main Ubuntu\n')),
    ).toEqual([]);
  });

  test('only what transport needs is kept', () => {
    const dump =
      'Acquire "";\nAcquire::http::Proxy "http://proxy.example:3128/";\nAcquire::Languages "en";\nAcquire::Check-Date "false";\n';
    expect(transportLines(dump)).toEqual([
      'Acquire::http::Proxy "http://proxy.example:3128/";',
      'Acquire::Check-Date "false";',
    ]);
  });
});
