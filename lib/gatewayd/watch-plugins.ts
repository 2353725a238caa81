import { FolderWatch } from '../control/folder-watch.ts';
import type { Logger } from '../logger.ts';
import type { Reloader } from './reloader.ts';

/** Loads anew what changes in the plugins folder. What could not be loaded is tried again with the next change. */
export async function watchPlugins(folder: string, reloader: Reloader, logger: Logger): Promise<FolderWatch> {
  const changed = new Set<string>();
  const watch = new FolderWatch({
    folder,
    changed: (entries) => {
      for (const entry of entries) changed.add(entry);
      const plugins = reloader.host.loaded.filter(({ examined: { source } }) => changed.has(source?.entry ?? ''));
      const told = [...changed];
      logger.info({ entries: told }, 'the plugins folder has changed');
      void reloader.reloadAndLog({ plugins: plugins.map(({ name }) => name) }).then((done) => {
        if (done) for (const entry of told) changed.delete(entry);
      });
    },
  });
  await watch.start();
  return watch;
}
