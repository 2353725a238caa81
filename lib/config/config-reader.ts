import { environmentPrefix } from './environment-name.ts';
import { loadConfig, type LoadedConfig } from './load.ts';
import { type ConfigSources, type ConfigTexts, readTexts } from './read-config.ts';

/** Loads a configuration again and again: one whose files and variables say what they said is not checked again. */
export class ConfigReader {
  readonly #sources: ConfigSources;
  /** What the configuration that was loaded last was made from. */
  #from: string | undefined;
  #loaded: LoadedConfig | undefined;

  constructor(sources: ConfigSources) {
    this.#sources = sources;
  }

  /** The configuration as it is now: the same object for as long as nothing has changed. @throws ConfigError */
  async load(): Promise<LoadedConfig> {
    const texts = await readTexts(this.#sources);
    const from = this.#writeDown(texts);
    if (this.#loaded === undefined || from !== this.#from) {
      this.#loaded = await loadConfig(this.#sources, texts);
      this.#from = from;
    }
    return this.#loaded;
  }

  /** All that a configuration is made from. */
  #writeDown({ main, plugins }: ConfigTexts): string {
    const { environment } = this.#sources;
    // To read all that an environment holds takes Node long.
    const names = Object.keys(environment).filter((name) => name.startsWith(environmentPrefix));
    const variables = names.map((name) => [name, environment[name]]);
    return JSON.stringify([main, plugins ?? null, variables, process.cwd()]);
  }
}
