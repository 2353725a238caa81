/**
 * What is put behind a module's URL so that Node runs it anew: it keeps every module it has imported, by URL and for
 * good. The first import has none.
 */
export type ModuleTag = string;

/** The tag of what a generation of plugins imports anew. */
export const tagOf = (generation: number): ModuleTag => (generation === 1 ? '' : `?generation=${generation}`);
