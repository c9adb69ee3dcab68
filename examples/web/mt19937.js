// NumPy's RandomState(seed).standard_normal(count), number for number: the Mersenne Twister MT19937 (Matsumoto, Nishimura
// 1998, doi:10.1145/272991.272995), uniforms of 53 bits, and the polar method (Marsaglia, Bray 1964). NumPy has frozen this
// stream, so a seed means the same face here as in Python.

const LENGTH = 624; // words of state
const MIDDLE = 397; // distance of the word that is mixed in

export class RandomState {
  #state = new Uint32Array(LENGTH);
  #position = LENGTH; // in the state; at its end a new one is made
  #spare = null; // normals come in pairs

  /** @param {number | number[]} seed whole numbers from 0 to 4294967295. */
  constructor(seed) {
    if (Array.isArray(seed)) {
      this.#fillByArray(seed);
    } else {
      this.#fill(seed);
    }
  }

  /** The next uint32. */
  next() {
    if (this.#position === LENGTH) {
      this.#twist();
    }
    let y = this.#state[this.#position++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  }

  /** The next number in [0, 1), with 53 bits. */
  uniform() {
    const high = this.next() >>> 5; // 27 bits
    const low = this.next() >>> 6; // 26 bits
    return (high * 2 ** 26 + low) / 2 ** 53;
  }

  /** The next `count` numbers of N(0, 1), as a Float64Array. */
  standardNormal(count) {
    return Float64Array.from({ length: count }, () => this.#normal());
  }

  #normal() {
    if (this.#spare !== null) {
      const normal = this.#spare;
      this.#spare = null;
      return normal;
    }
    let x, y, square;
    do {
      x = 2 * this.uniform() - 1;
      y = 2 * this.uniform() - 1;
      square = x * x + y * y;
    } while (square >= 1 || square === 0);
    const scale = Math.sqrt((-2 * Math.log(square)) / square);
    this.#spare = scale * x; // NumPy hands out the second of the pair first
    return scale * y;
  }

  #fill(seed) {
    const state = this.#state;
    state[0] = seed;
    for (let i = 1; i < LENGTH; i++) {
      state[i] = Math.imul(1812433253, state[i - 1] ^ (state[i - 1] >>> 30)) + i;
    }
  }

  #fillByArray(key) {
    const state = this.#state;
    const mixed = (i, factor) => state[i] ^ Math.imul(state[i - 1] ^ (state[i - 1] >>> 30), factor);
    let i = 1;
    const advance = () => {
      if (++i === LENGTH) {
        state[0] = state[LENGTH - 1];
        i = 1;
      }
    };
    this.#fill(19650218);
    for (let k = 0; k < Math.max(LENGTH, key.length); k++, advance()) {
      state[i] = mixed(i, 1664525) + key[k % key.length] + (k % key.length);
    }
    for (let k = 1; k < LENGTH; k++, advance()) {
      state[i] = mixed(i, 1566083941) - i;
    }
    state[0] = 0x80000000;
  }

  #twist() {
    const state = this.#state;
    for (let i = 0; i < LENGTH; i++) {
      const y = (state[i] & 0x80000000) | (state[(i + 1) % LENGTH] & 0x7fffffff);
      state[i] = state[(i + MIDDLE) % LENGTH] ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
    }
    this.#position = 0;
  }
}
