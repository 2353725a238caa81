/** What a plugin may give as a tap's first argument. */
export interface TapOptions {
  readonly name?: string;
  /** Taps run by ascending stage, 0 where none is given. */
  readonly stage?: number;
  /** Runs before these: plugins, other plugins' taps as `plugin:tap`, or taps of the plugin itself. Absent ones are passed over. */
  readonly before?: string | readonly string[];
}

/** What a tap is registered with. */
export interface BusTapOptions {
  name: string;
  stage?: number;
  before?: string[];
}

/**
 * Reads a tap's first argument; gives the reason in words when it is wrong.
 */
export function readTapOptions(given: unknown): TapOptions | { readonly reason: string } {
  if (typeof given === 'string') return { name: given };
  if (typeof given !== 'object' || given === null)
    return { reason: 'its first argument is neither a name nor options' };
  const { name, stage, before } = given as Record<string, unknown>;
  if (name !== undefined && typeof name !== 'string') return { reason: 'its name is not a string' };
  if (stage !== undefined && !(typeof stage === 'number' && Number.isFinite(stage))) {
    return { reason: 'its stage is not a number' };
  }
  const names = before === undefined ? [] : [before].flat();
  if (!names.every((one) => typeof one === 'string'))
    return { reason: '`before` is neither a name nor a list of names' };
  return { name: name ?? '', before: names, ...(stage === undefined ? {} : { stage }) };
}

/** The tap's name on the bus: the plugin's for a tap without a name of its own, `plugin:tap` for others, `#2` after the second of a name. */
function busName(plugin: string, name: string, taken: readonly string[]): string {
  const own = name.trim();
  const base = own === '' || own === plugin ? plugin : `${plugin}:${own}`;
  let free = base;
  for (let count = 2; taken.includes(free); count++) free = `${base}#${count}`;
  return free;
}

/**
 * Turns what a plugin asked for into tapable's options. tapable puts a tap whose `before` names a tap that is not there
 * in front of everything, and before the last only of several of one name; here every name on the bus is unique and
 * `before` is resolved to those that are there.
 */
export function busTapOptions(plugin: string, options: TapOptions, taken: readonly string[]): BusTapOptions {
  const wanted = [options.before ?? []].flat();
  const isMeant = (name: string): boolean =>
    wanted.some((one) => {
      const own = `${plugin}:${one}`;
      return name === one || name === own || [`${one}:`, `${one}#`, `${own}#`].some((start) => name.startsWith(start));
    });
  const before = taken.filter(isMeant);
  return {
    name: busName(plugin, options.name ?? '', taken),
    ...(options.stage === undefined ? {} : { stage: options.stage }),
    ...(before.length === 0 ? {} : { before }),
  };
}
