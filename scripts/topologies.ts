/** `npm run docs:topologies [-- --complete]`: writes docs/topologies.md from what the lab tests saw. */
import { parseArgs } from 'node:util';
import { writeTopologies } from './topologies-file.ts';

const { values } = parseArgs({ options: { complete: { type: 'boolean', default: false } } });
writeTopologies(values.complete);
