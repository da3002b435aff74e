// A seeded generator (mulberry32), so that a failing run can be repeated.

export class Random {
  #state;

  constructor(seed) {
    this.#state = seed >>> 0;
  }

  /** In [0, 1). */
  next() {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** An integer from `least` to `most`. */
  integer(least, most) {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  pick(array) {
    return array[this.integer(0, array.length - 1)];
  }

  /** Small integers: sums of their products are exact in 32-bit floats. Never the zero vector. */
  integerVector(dimensions, bound = 32) {
    const vector = Float32Array.from({ length: dimensions }, () => this.integer(-bound, bound));
    if (vector.every((component) => component === 0)) vector[0] = 1;
    return vector;
  }

  /** Components spread around zero, near enough to a normal distribution. */
  vector(dimensions) {
    return Float32Array.from({ length: dimensions }, () => this.next() + this.next() + this.next() - 1.5);
  }
}
