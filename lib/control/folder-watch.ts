import { type Dirent, type FSWatcher, watch } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';

/** What is watched, and who is told. */
export interface FolderWatchOptions {
  readonly folder: string;
  /** Gets the names of the entries of the folder itself that changed, or in which something did, came or went. */
  readonly changed: (entries: readonly string[]) => void;
}

/** An editor writes a file in several steps, and several files one after the other. */
const quietMilliseconds = 100;
/** How often is looked where the system tells of no changes, or tells of too few. */
const pollMilliseconds = 1_000;
const leftOut = new Set(['node_modules', '.git']);

/** Every file in the folder by its path, and what tells two states of it apart. */
interface Snapshot {
  readonly files: ReadonlyMap<string, string>;
  readonly folders: readonly string[];
}

/**
 * Watches a folder and all that is in it. What the system says of changes is only taken for a reason to look: how an
 * editor saves, and what systems make of that, differs too much. The folder need not be there, and may come and go.
 */
export class FolderWatch {
  readonly #folder: string;
  readonly #changed: FolderWatchOptions['changed'];
  readonly #watchers = new Map<string, FSWatcher>();
  #known: Snapshot = { files: new Map(), folders: [] };
  #timer: NodeJS.Timeout | undefined;
  #looking = false;
  /** Something changed while it was looking. */
  #again = false;
  #closed = false;

  constructor({ folder, changed }: FolderWatchOptions) {
    this.#folder = folder;
    this.#changed = changed;
  }

  /** Settles when it knows how everything is, and watches. */
  async start(): Promise<void> {
    this.#known = await snapshotOf(this.#folder);
    this.#follow();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
  }

  async #look(): Promise<void> {
    this.#looking = true;
    this.#again = false;
    const now = await snapshotOf(this.#folder);
    this.#looking = false;
    if (this.#closed) return;
    const before = this.#known;
    this.#known = now;
    this.#follow();
    const changed = [...new Set([...before.files.keys(), ...now.files.keys()])].filter(
      (file) => before.files.get(file) !== now.files.get(file),
    );
    const entries = new Set(changed.map((file) => file.split(path.sep, 1)[0] ?? file));
    if (entries.size > 0) this.#changed([...entries]);
  }

  /** Watches the folders there are now. A watcher of a folder that is gone, and came back, tells of nothing any more. */
  #follow(): void {
    const wanted = new Set(this.#known.folders);
    for (const [folder, watcher] of this.#watchers) {
      if (wanted.has(folder)) continue;
      watcher.close();
      this.#watchers.delete(folder);
    }
    for (const folder of wanted) if (!this.#watchers.has(folder)) this.#watch(folder);
    this.#lookIn(this.#again ? quietMilliseconds : pollMilliseconds);
  }

  #watch(folder: string): void {
    const forget = (): void => {
      this.#watchers.get(folder)?.close();
      this.#watchers.delete(folder);
    };
    try {
      const watcher = watch(path.join(this.#folder, folder), { persistent: false });
      watcher.on('change', () => this.#lookIn(quietMilliseconds)).on('error', forget);
      this.#watchers.set(folder, watcher);
    } catch {
      // It has gone, or the system has no watchers left: then it is looked at by and by.
    }
  }

  #lookIn(milliseconds: number): void {
    if (this.#looking) this.#again = true;
    if (this.#looking || this.#closed) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#look(), milliseconds).unref();
  }
}

async function snapshotOf(root: string): Promise<Snapshot> {
  const files = new Map<string, string>();
  const folders: string[] = [];
  const visit = async (folder: string): Promise<void> => {
    let entries: Dirent[];
    try {
      entries = await readdir(path.join(root, folder), { withFileTypes: true });
    } catch {
      return;
    }
    folders.push(folder);
    for (const entry of entries) {
      if (leftOut.has(entry.name)) continue;
      const name = path.join(folder, entry.name);
      // Of links, what they lead to.
      const found = await stat(path.join(root, name)).catch(() => null);
      if (found === null) continue;
      if (found.isDirectory()) await visit(name);
      else files.set(name, `${found.ino} ${found.size} ${found.mtimeMs}`);
    }
  };
  await visit('');
  return { files, folders };
}
