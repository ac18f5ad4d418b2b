import type { Reverter } from '#provision/model/module.ts';
import { sh } from '#provision/model/shell.ts';
import { isOurs, lookAt, parseSeenPath, pathOf, type PathState, restore } from './path-state.ts';

/** Teardown of files, directories and links: the original's bytes, mode and owner, or nothing where nothing was. */
export const fileReverter: Reverter = {
  kind: 'file',
  effect: 'none',
  probe: entry => lookAt(pathOf(entry), '-'),
  verdict: (entry, answer) => {
    const { state } = parseSeenPath(answer);
    if (sameAs(state, entry.first as PathState)) return 'gone';
    const accepted = [entry.ours, ...(entry.previous === undefined ? [] : [entry.previous])];
    return accepted.some(ours => isOurs(state, ours)) ? 'ours' : 'foreign';
  },
  revert: entry => restore(pathOf(entry), entry.first as PathState),
  preserve: entry => sh`cp -a ${pathOf(entry)} ${`${pathOf(entry)}.tandem-saved`}`,
};

function sameAs(state: PathState, first: PathState): boolean {
  if (state.type !== first.type) return false;
  if (state.type === 'link') return first.type === 'link' && state.target === first.target;
  if (!('mode' in state) || !('mode' in first)) return true;
  const content = state.type !== 'file' || first.type !== 'file' || state.sha256 === first.sha256;
  return content && state.mode === first.mode && state.owner === first.owner && state.group === first.group;
}
