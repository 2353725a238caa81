/** Four buckets for each doubling, from an eighth of a microsecond on: what is read is at most a tenth off. */
const perDoubling = 4;
const smallest = 0.000_125;
const buckets = 128;

/** How long calls took: counts in buckets of growing width, in memory that does not grow. */
export class LatencyHistogram {
  readonly #counts = new Uint32Array(buckets);
  #total = 0;

  /** @param milliseconds of one call */
  add(milliseconds: number): void {
    const bucket = Math.floor(Math.log2(milliseconds / smallest) * perDoubling);
    const nearest = Math.min(Math.max(bucket, 0), buckets - 1);
    this.#counts[nearest] = (this.#counts[nearest] ?? 0) + 1;
    this.#total++;
  }

  /**
   * The time in milliseconds that a share of the calls did not exceed; 0 without calls.
   * @param share from 0 to 1
   */
  quantile(share: number): number {
    const wanted = Math.max(Math.ceil(share * this.#total), 1);
    let seen = 0;
    for (const [bucket, count] of this.#counts.entries()) {
      seen += count;
      if (seen >= wanted) return smallest * 2 ** ((bucket + 0.5) / perDoubling);
    }
    return 0;
  }
}
