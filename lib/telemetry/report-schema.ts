/** A field of the usage report. */
export interface ReportField {
  /** As in the .proto; one of a plugin's as `plugins[].name`. */
  readonly name: string;
  /** What it is, as the start of a sentence. */
  readonly what: string;
  /** The version of the schema that it came with. */
  readonly since: number;
}

/** What there is in a usage report. A version differs from the one before by the fields it has more. */
export interface ReportSchema {
  readonly version: number;
  readonly fields: readonly ReportField[];
}
