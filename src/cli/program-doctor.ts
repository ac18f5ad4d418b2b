/** `tandem doctor` and its help. */
import type { Command } from 'commander';
import { connectionOptions, inventoryOptions, positive } from './command-options.ts';

const DEFAULT_SECONDS = 4;

export function addDoctor(tandem: Command): void {
  connectionOptions(inventoryOptions(tandem.command('doctor')))
    .description(
      'Are hosts and network fit for the topology? Also whether every member hears every other. Exit code 0 fine, 2 degraded, 1 broken.',
    )
    .option('--seconds <N>', 'how long probe frames are sent', positive, DEFAULT_SECONDS)
    .option('--json', 'one JSON object per line')
    .addHelpText(
      'after',
      `
It works before the first apply and beside running daemons, and changes nothing. tandemd is uploaded to a temporary folder, unless it
is there, and runs \`tandemd probe\` on all members at the same time: that sends frames which take an advert's way (protocol,
group or peer, TTL) and which no router takes for an advert, as their VRID is 0 and their type is unknown. Said are members that do not
hear each other, foreign routers with the same VRID, missing firewall openings, NICs, addresses and kernel modules, clocks that
differ, and other VRRP daemons.

Examples:
  tandem doctor -i inventory/two-node.yml
  tandem doctor -i prod/ --limit web --seconds 10
  tandem doctor -i prod/ --json | jq -c 'select(.type == "finding")'`,
    )
    .action(async options => {
      const { doctorCommand } = await import('./commands/doctor.ts');
      await doctorCommand(options);
    });
}
