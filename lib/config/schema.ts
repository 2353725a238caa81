/** The whole configuration, defaults filled in. */
export type GlobalConfig = Readonly<Record<string, unknown>>;
