// A checkpoint that `python -m animegen_core export` wrote, as a function from a seed to a picture.

import { RandomState } from "./mt19937.js";

export const HAIR = ["aqua", "black", "blonde", "blue", "brown", "gray", "green", "orange", "pink", "purple", "red", "white"];
export const EYES = ["aqua", "black", "blue", "brown", "gray", "green", "orange", "pink", "purple", "red", "yellow"];
export const MAX_SEED = 2 ** 32 - 1;

const RUNTIME = "./ort/ort.wasm.min.mjs";

export class FaceModel {
  #ort;
  #session;
  #shapes; // of each input: {z: ["N", 100], psi: []}

  constructor(ort, session) {
    this.#ort = ort;
    this.#session = session;
    this.#shapes = Object.fromEntries(session.inputMetadata.map(({ name, shape }) => [name, shape]));
  }

  /** Fetch the runtime and a model; throws an Error whose message says what is missing. */
  static async load(url) {
    const ort = await import(RUNTIME).catch(() => {
      throw new Error("The runtime is missing: run fetch.sh, as README.md says.");
    });
    ort.env.wasm.numThreads = 1; // more need headers that a plain file server does not send
    const response = await fetch(url);
    if (!response.ok) {
      throw new Error(`There is no ${url}: export a checkpoint, as README.md says.`);
    }
    return new FaceModel(ort, await ort.InferenceSession.create(new Uint8Array(await response.arrayBuffer())));
  }

  /** Whether faces can be asked for by hair and eye colour. */
  get hasColours() {
    return "labels" in this.#shapes;
  }

  /** Whether the model is style-based: then a psi of about 0.7 mends many faces at the cost of few. */
  get hasStyles() {
    return "noise" in this.#shapes;
  }

  /**
   * The face of a seed.
   *
   * @param {number} seed whole number from 0 to MAX_SEED.
   * @param {{psi?: number, hair?: string, eyes?: string}} looks psi is creativity, 0 (the mean face) to 1.5; hair and eyes are
   *   colours of HAIR and EYES, and any if left out.
   * @returns {Promise<ImageData>}
   */
  async draw(seed, { psi = 1, hair, eyes } = {}) {
    const { Tensor } = this.#ort;
    const normals = (input, stream) => {
      const count = this.#shapes[input][1];
      return new Tensor("float32", Float32Array.from(new RandomState(stream).standardNormal(count)), [1, count]);
    };
    const inputs = { z: normals("z", seed), psi: new Tensor("float32", [psi], []) };
    if (this.hasColours) {
      inputs.labels = new Tensor("int32", [indexOf(HAIR, hair), indexOf(EYES, eyes)], [1, 2]);
    }
    if (this.hasStyles) {
      inputs.noise = normals("noise", [seed, 1]);
    }
    const { picture } = await this.#session.run(inputs);
    return toImageData(picture);
  }
}

function indexOf(colours, colour) {
  if (colour && !colours.includes(colour)) {
    throw new Error(`Unknown colour ${colour}; choose any or one of: ${colours.join(", ")}.`);
  }
  return colours.indexOf(colour); // -1, which is any, where there is none
}

/** A picture (1, 3, H, W) in [-1, 1] to pixels: -1 is 0, 1 is 255, rounded and clipped by the array. */
function toImageData({ data, dims: [, channels, height, width] }) {
  const pixels = new Uint8ClampedArray(4 * height * width).fill(255);
  for (let c = 0; c < channels; c++) {
    for (let i = 0; i < height * width; i++) {
      pixels[4 * i + c] = 127.5 * data[c * height * width + i] + 127.5;
    }
  }
  return new ImageData(pixels, width, height);
}
