import { type FSWatcher, realpathSync, statSync, watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import { messageOf } from '#base/errors.ts';
import { readTrackFile, valueOf } from './file-value.ts';

/** Read this long after the last event: a writer truncates and writes in two steps, and inotify tells of both. */
const SETTLE_MS = 10;
/** An empty file counts as 0 when it has been empty for this long: a slow writer is between its two steps. */
const EMPTY_MS = 100;
/** How often a folder that is not there is looked for. */
const RETRY_MS = 1000;

interface TrackedFile {
  readonly path: string;
  /** Who wants to know: thousands of checks may look at one file. */
  readonly ids: Set<number>;
  readonly watchers: FSWatcher[];
  /** What is watched: the path, and what it was a link to. */
  places: readonly string[];
  told: number | undefined;
  timer: NodeJS.Timeout | undefined;
  /** Said once until it can be watched again. */
  complained: boolean;
}

/**
 * Tells the number in each `track_file`: at once, and whenever it has changed. inotify watches the file's folder, and
 * that of the file that it is a link to, so nothing is polled while the folder is there.
 */
export class FileTrackers {
  readonly #files = new Map<string, TrackedFile>();
  readonly #fileOf = new Map<number, TrackedFile>();
  readonly #onValue: (id: number, value: number) => void;
  readonly #warn: (line: string) => void;
  readonly #retryMs: number;

  constructor(
    onValue: (id: number, value: number) => void,
    warn: (line: string) => void,
    retryMs: number = RETRY_MS,
  ) {
    this.#onValue = onValue;
    this.#warn = warn;
    this.#retryMs = retryMs;
  }

  /** Starts or replaces the file `id`. A file is watched and read once, however many ids it has. */
  track(id: number, path: string): void {
    this.untrack(id);
    const known = this.#files.get(path);
    if (known) {
      known.ids.add(id);
      this.#fileOf.set(id, known);
      if (known.told !== undefined) this.#onValue(id, known.told);
      return;
    }
    const tracked: TrackedFile = {
      path,
      ids: new Set([id]),
      watchers: [],
      places: [],
      told: undefined,
      timer: undefined,
      complained: false,
    };
    this.#files.set(path, tracked);
    this.#fileOf.set(id, tracked);
    this.#watch(tracked);
  }

  untrack(id: number): void {
    const tracked = this.#fileOf.get(id);
    if (!tracked) return;
    this.#fileOf.delete(id);
    tracked.ids.delete(id);
    if (tracked.ids.size > 0) return;
    this.#files.delete(tracked.path);
    unwatch(tracked);
  }

  close(): void {
    for (const tracked of this.#files.values()) unwatch(tracked);
    this.#files.clear();
    this.#fileOf.clear();
  }

  /** Watches first and reads then: no change falls between the two. */
  #watch(tracked: TrackedFile): void {
    unwatch(tracked);
    tracked.places = placesOf(tracked.path);
    try {
      for (const path of tracked.places) {
        const watcher = watch(dirname(path), (_, name) => {
          // A folder that is deleted or moved away is named itself.
          if (name === basename(dirname(path)) && !isSameFolder(path, inode)) this.#watch(tracked);
          else if (name === basename(path)) this.#settle(tracked, SETTLE_MS, false);
        });
        const inode = folderInode(path);
        watcher.on('error', () => this.#settle(tracked, this.#retryMs, true));
        tracked.watchers.push(watcher);
      }
      tracked.complained = false;
    } catch (error) {
      unwatch(tracked);
      if (!tracked.complained)
        this.#warn(`track_file ${tracked.path} cannot be watched: ${messageOf(error)}`);
      tracked.complained = true;
      // It may be there all the same: inotify's watches can be used up.
      this.#tell(tracked, valueOf(readTrackFile(tracked.path)));
      this.#settle(tracked, this.#retryMs, true);
      return;
    }
    this.#read(tracked);
  }

  #settle(tracked: TrackedFile, afterMs: number, again: boolean): void {
    clearTimeout(tracked.timer);
    tracked.timer = setTimeout(() => {
      if (again || placesOf(tracked.path).join() !== tracked.places.join()) this.#watch(tracked);
      else this.#read(tracked);
    }, afterMs);
  }

  #read(tracked: TrackedFile): void {
    const content = readTrackFile(tracked.path);
    if (content !== 'empty') {
      this.#tell(tracked, valueOf(content));
      return;
    }
    clearTimeout(tracked.timer);
    tracked.timer = setTimeout(() => {
      this.#tell(tracked, valueOf(readTrackFile(tracked.path)));
    }, EMPTY_MS);
  }

  #tell(tracked: TrackedFile, value: number | undefined): void {
    if (value === undefined) {
      this.#warn(`track_file ${tracked.path}: its number does not fit in 32 bits and is ignored`);
    } else if (value !== tracked.told) {
      tracked.told = value;
      for (const id of Array.from(tracked.ids)) if (tracked.ids.has(id)) this.#onValue(id, value);
    }
  }
}

/** The path, and what it is a link to. */
function placesOf(path: string): string[] {
  try {
    return [...new Set([path, realpathSync(path)])];
  } catch {
    return [path];
  }
}

function folderInode(path: string): number | undefined {
  return statSync(dirname(path), { throwIfNoEntry: false })?.ino;
}

function isSameFolder(path: string, inode: number | undefined): boolean {
  return folderInode(path) === inode;
}

function unwatch(tracked: TrackedFile): void {
  clearTimeout(tracked.timer);
  for (const watcher of tracked.watchers.splice(0)) watcher.close();
}
