/** `npm run docs`: writes the documentation that is generated from the code. */
import { readFileSync, writeFileSync } from 'node:fs';
import { unsupportedIn } from '#daemon/unsupported.ts';
import { inventoryReference } from '#testing/inventory-reference.ts';
import { PICTURED, pictureName, pictureOf } from '#testing/pictures.ts';
import { keywordReference } from '#testing/keyword-reference.ts';

const file = new URL('../docs/keepalived-conf.md', import.meta.url);
writeFileSync(file, keywordReference(unsupportedIn));
console.log('docs/keepalived-conf.md');

writeFileSync(new URL('../docs/inventory-words.md', import.meta.url), inventoryReference());
console.log('docs/inventory-words.md');

for (const path of PICTURED) {
  const text = readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');
  const picture = `docs/pictures/${pictureName(path)}.svg`;
  writeFileSync(new URL(`../${picture}`, import.meta.url), pictureOf(path, text));
  console.log(picture);
}
