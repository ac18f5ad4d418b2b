/** Node's modules that the program loads when it first uses them: together they take as long as its own start. */
const LAZY = ['node:crypto', 'node:net', 'node:child_process'];

/**
 * `tandemd.mjs` of a release: runs `tandemd.js`, the bundle, with V8's code cache beside it, so that a start neither
 * parses nor compiles what it needs (10 of 20 ms). A cache that this Node does not accept is ignored. Node's own modules
 * are taken as objects: an ES import of one evaluates every getter that it has.
 *
 * With TANDEM_WRITE_CODE_CACHE the cache is written when the program ends: the build does that. It has every function, not
 * only those that the start has used: a router's first takeover is when compiling what it needs would cost a millisecond.
 */
export const RELEASE_LOADER = `const builtin = name => process.getBuiltinModule(name);
const lazy = new Set(${JSON.stringify(LAZY)});
const load = name => (lazy.has(name) ? new Proxy({}, { get: (_, key) => builtin(name)[key] }) : builtin(name));
const { readFileSync, writeFileSync } = builtin('node:fs');
const { Script } = builtin('node:vm');
const folder = import.meta.dirname;
const filename = folder + '/tandemd.js';
const cacheFile = folder + '/tandemd.cache';
let cachedData;
try {
  cachedData = readFileSync(cacheFile);
} catch {}
const source = readFileSync(filename, 'latin1');
const output = process.env.TANDEM_WRITE_CODE_CACHE;
const { setFlagsFromString } = output ? builtin('node:v8') : {};
setFlagsFromString?.('--no-lazy');
const script = new Script(source, cachedData ? { filename, cachedData } : { filename });
// A cache is good for the flags with which it was written.
setFlagsFromString?.('--lazy');
if (output) process.on('exit', () => writeFileSync(output, script.createCachedData()));
script.runInThisContext()({}, load, filename, folder);
`;

/** The bundle as one function expression, which is what the loader calls; ASCII, so that it need not be decoded. */
export function asFunction(bundle: string): string {
  const ascii = bundle.replace(
    /[^\x00-\x7f]/g,
    character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return `(function(exports,require,__filename,__dirname){${ascii}\n})`;
}
