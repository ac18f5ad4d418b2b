import { expect, test } from 'vitest';
import { checkConfig } from '#conf/load.ts';
import { unsupportedIn } from './unsupported.ts';

test('words of routes and rules that are not passed on are said with their line', () => {
  const text = `static_routes {
  10.0.0.0/8 via 10.1.0.1 tos 4 mtu 1400 advmss 1200
}
static_rules {
  from 10.0.0.0/8 table 7 priority 7 ipproto tcp
  from 10.0.0.0/8 table 8 priority 8
}
`;
  const { config, diagnostics } = checkConfig(
    'a.conf',
    { read: () => text, glob: () => [] },
    { hostname: 'h' },
  );
  expect(diagnostics).toEqual([]);
  expect(unsupportedIn(config).map(({ message, position }) => [position?.line, message])).toEqual([
    [2, '`tos` of a route is not supported yet'],
    [2, '`advmss` of a route is not supported yet'],
    [5, '`ipproto` of a rule is not supported yet'],
  ]);
});
