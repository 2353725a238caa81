import { defaultPluginRow } from '../config/plugin-row.ts';
import type { PluginRow } from '../config/schema.ts';
import { checksumOf } from './examine.ts';
import type { ManagedPlugin } from './managed-plugin.ts';

type Isolation = PluginRow['isolation'];

interface Relocation {
  readonly isolation: Isolation;
  /** As the config had it, null for a plugin without one. */
  readonly row: string;
  readonly checksum: string | null;
}

/** Plugins that run elsewhere than their rows say, each for as long as its row and its files stay what they were. */
export class Relocations {
  readonly #moved: ReadonlyMap<string, Relocation>;

  constructor(moved: ReadonlyMap<string, Relocation> = new Map()) {
    this.#moved = moved;
  }

  has(plugin: string): boolean {
    return this.#moved.has(plugin);
  }

  /**
   * Those of the next generation: what still holds of these, and what is asked for.
   * @param rows as the config has them now
   * @param plugins as they are loaded
   */
  async next(
    rows: readonly PluginRow[],
    plugins: readonly ManagedPlugin[],
    asked: Readonly<Record<string, Isolation>>,
  ): Promise<Relocations> {
    const moved = new Map<string, Relocation>();
    for (const [name, known] of this.#moved) {
      if (known.row === textOf(rows, name) && (await isUnchanged(known, plugins, name))) moved.set(name, known);
    }
    for (const [name, isolation] of Object.entries(asked)) {
      const checksum = plugins.find((plugin) => plugin.name === name)?.examined.checksum ?? null;
      moved.set(name, { isolation, row: textOf(rows, name), checksum });
    }
    return new Relocations(moved);
  }

  /** The rows with the places to run put in, and a row for each plugin that has none. */
  applyTo(rows: readonly PluginRow[]): readonly PluginRow[] {
    const named = rows.map((row) => ({ ...row, isolation: this.#moved.get(row.name)?.isolation ?? row.isolation }));
    const others = [...this.#moved].filter(([name]) => !rows.some((row) => row.name === name));
    return [...named, ...others.map(([name, { isolation }]) => ({ ...defaultPluginRow(name), isolation }))];
  }
}

const textOf = (rows: readonly PluginRow[], name: string): string =>
  JSON.stringify(rows.find((row) => row.name === name) ?? null);

async function isUnchanged(
  { checksum }: Relocation,
  plugins: readonly ManagedPlugin[],
  name: string,
): Promise<boolean> {
  const source = plugins.find((plugin) => plugin.name === name)?.examined.source;
  if (checksum === null || source == null) return true;
  // What cannot be read is for whoever loads it to say.
  return (await checksumOf(name, source).catch(() => checksum)) === checksum;
}
