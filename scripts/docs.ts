/** `npm run docs`: writes the documentation that is generated from the code. */
import { writeFileSync } from 'node:fs';
import { unsupportedIn } from '#daemon/unsupported.ts';
import { keywordReference } from '#testing/keyword-reference.ts';

const file = new URL('../docs/keepalived-conf.md', import.meta.url);
writeFileSync(file, keywordReference(unsupportedIn));
console.log('docs/keepalived-conf.md');
