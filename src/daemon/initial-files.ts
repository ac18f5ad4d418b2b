import { messageOf } from '#base/errors.ts';
import type { Config } from '#conf/model.ts';
import type { TrackerEvent } from '#vrrp/event.ts';
import type { Log } from './log.ts';
import { trackedFiles } from './track-records.ts';
import { initialiseTrackFile, readTrackFile, valueOf } from './worker/file-value.ts';

/**
 * `init_file`, then the number in every tracked file, before VRRP starts: a file that means FAULT must not be overlooked
 * until the worker is up. Files that `before` knows are left alone: a reload neither overwrites nor re-reads them.
 */
export function readInitialFiles(config: Config, log: Log, before?: Config): TrackerEvent[] {
  const known = new Set((before ? trackedFiles(before) : []).map(file => `${file.name} ${file.file}`));
  return trackedFiles(config)
    .filter(file => !known.has(`${file.name} ${file.file}`))
    .map(file => {
      try {
        initialiseTrackFile(file);
      } catch (error) {
        log.warning(`track_file ${file.name}: init_file could not write ${file.file}: ${messageOf(error)}`);
      }
      return { kind: 'fileValue', file: file.name, value: valueOf(readTrackFile(file.file)) ?? 0 };
    });
}
