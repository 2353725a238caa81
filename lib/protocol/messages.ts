/** One PostgreSQL protocol message as a tap sees it. */
export interface Message {
  /** PostgreSQL's name for it: `Query`, `DataRow`, `ReadyForQuery`. */
  readonly name: string;
}
