/** What a plugin may give as a tap's first argument. */
export interface TapOptions {
  readonly name?: string;
  /** Taps run by ascending stage, 0 where none is given. */
  readonly stage?: number;
  /** Runs before these: plugins, other plugins' taps as `plugin:tap`, or taps of the plugin itself. Absent ones are passed over. */
  readonly before?: string | readonly string[];
  /** On a traffic hook: the tap looks at `batch.large`, so messages over `maxMessageSize` may pass where all taps do. */
  readonly largeMessages?: boolean;
}

/** What a tap is registered with. */
export interface BusTapOptions {
  name: string;
  stage?: number;
  before?: string[];
  largeMessages?: true;
}

/** Reads a tap's first argument; gives the reason in words when it is wrong. */
export function readTapOptions(given: unknown): TapOptions | { readonly reason: string } {
  if (typeof given === 'string') return { name: given };
  if (typeof given !== 'object' || given === null)
    return { reason: 'its first argument is neither a name nor options' };
  const { name, stage, before, largeMessages } = given as Record<string, unknown>;
  if (name !== undefined && typeof name !== 'string') return { reason: 'its name is not a string' };
  if (stage !== undefined && !(typeof stage === 'number' && Number.isFinite(stage))) {
    return { reason: 'its stage is not a number' };
  }
  const names = before === undefined ? [] : [before].flat();
  if (!names.every((one) => typeof one === 'string'))
    return { reason: '`before` is neither a name nor a list of names' };
  if (largeMessages !== undefined && typeof largeMessages !== 'boolean') {
    return { reason: '`largeMessages` is neither true nor false' };
  }
  return {
    name: name ?? '',
    before: names,
    ...(stage === undefined ? {} : { stage }),
    ...(largeMessages === undefined ? {} : { largeMessages }),
  };
}

/** As much of a tap on the bus as its order depends on. */
interface Named {
  readonly name: string;
}

/** The tap's name on the bus: the plugin's for a tap without a name of its own, `plugin:tap` for others; a second of a name gets `#2`. */
function busName(plugin: string, name: string, taps: readonly Named[]): string {
  const own = name.trim();
  const base = own === '' || own === plugin ? plugin : `${plugin}:${own}`;
  let free = base;
  for (let count = 2; taps.some((tap) => tap.name === free); count++) free = `${base}#${count}`;
  return free;
}

/** The names of those taps that `before` means: a plugin's, another plugin's by `plugin:tap`, or the plugin's own. */
function resolveBefore(plugin: string, before: readonly string[], taps: readonly Named[]): string[] {
  const exact = before.flatMap((one) => [one, `${plugin}:${one}`]);
  const starts = before.flatMap((one) => [`${one}:`, `${one}#`, `${plugin}:${one}#`]);
  const meant = taps.filter(({ name }) => exact.includes(name) || starts.some((start) => name.startsWith(start)));
  return meant.map(({ name }) => name);
}

/**
 * Turns what a plugin asked for into tapable's options. tapable puts a tap whose `before` names a tap that is not there
 * in front of everything, and only before the last of several taps of one name; here every name on the bus is unique
 * and `before` is resolved to those that are there.
 */
export function busTapOptions(plugin: string, options: TapOptions, taps: readonly Named[]): BusTapOptions {
  const before = resolveBefore(plugin, [options.before ?? []].flat(), taps);
  return {
    name: busName(plugin, options.name ?? '', taps),
    ...(options.stage === undefined ? {} : { stage: options.stage }),
    ...(before.length === 0 ? {} : { before }),
    ...(options.largeMessages === true ? { largeMessages: true } : {}),
  };
}
