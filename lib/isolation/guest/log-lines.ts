/** Lines a turn of the event loop that cross at most; a plugin that logs in a loop must not fill gatewayd's memory. */
const mostLines = 1_000;

/** Keeps the lines of a plugin's logger until they cross. */
export class LogLines {
  readonly #send: (lines: readonly string[], leftOut: number) => void;
  #lines: string[] = [];
  #leftOut = 0;

  constructor(send: (lines: readonly string[], leftOut: number) => void) {
    this.#send = send;
  }

  add(line: string): void {
    if (this.#lines.length === 0) setImmediate(() => this.flush());
    if (this.#lines.length < mostLines) this.#lines.push(line);
    else this.#leftOut++;
  }

  flush(): void {
    if (this.#lines.length === 0) return;
    const lines = this.#lines;
    const leftOut = this.#leftOut;
    this.#lines = [];
    this.#leftOut = 0;
    this.#send(lines, leftOut);
  }
}
