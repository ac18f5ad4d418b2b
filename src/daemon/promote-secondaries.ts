import type { Config } from '#conf/model.ts';

/**
 * `promote_secondaries`: when the first IPv4 address of a subnet is removed from an interface, Linux removes the others too,
 * unless this setting is on. It is set while an instance asks for it. Returns the settings, by their names below net.
 */
export function promotionSettings(config: Config): Map<string, string> {
  return new Map(
    config.vrrpInstances.flatMap(({ promoteSecondaries, interface: name }): [string, string][] =>
      promoteSecondaries && name !== undefined ? [[`ipv4/conf/${name}/promote_secondaries`, '1']] : [],
    ),
  );
}
