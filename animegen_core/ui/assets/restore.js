// Uploads files to restore, also those dropped on the page. Of a large film only the parts without pixels are sent.
() => {
  const SMALL = 1_000_000; // bytes; smaller files are sent completely
  const input = () =>
    document.querySelector("#restore input[type=file], input[type=file]#restore") ||
    document.querySelector("#restore")?.parentElement.querySelector("input[type=file]");
  const word = (bytes, at) => String.fromCharCode(...bytes.subarray(at, at + 4));

  // For each format: start and end of the parts to keep.
  function png(bytes, view) {
    const kept = [[0, 8]];
    for (let at = 8; at < bytes.length; ) {
      const end = at + 12 + view.getUint32(at);
      if (!["IDAT", "fdAT"].includes(word(bytes, at + 4))) kept.push([at, end]);
      at = end;
    }
    return kept;
  }

  function gif(bytes) {
    const table = (flags) => (flags & 0x80 ? 3 << ((flags & 7) + 1) : 0);
    let at = 13 + table(bytes[10]);
    const kept = [[0, at]];
    while (at < bytes.length && bytes[at] !== 0x3b) {
      const start = at;
      const isPicture = bytes[at] === 0x2c;
      at += isPicture ? 11 + table(bytes[at + 9]) : 2;
      while (bytes[at]) at += 1 + bytes[at];
      at += 1;
      if (!isPicture) kept.push([start, at]);
    }
    return [...kept, [at, at + 1]];
  }

  function webp(bytes, view) {
    const kept = [[0, 12]];
    for (let at = 12; at < bytes.length; ) {
      const length = view.getUint32(at + 4, true);
      const end = at + 8 + length + (length % 2);
      if (!["VP8 ", "VP8L", "ALPH", "ANMF"].includes(word(bytes, at))) kept.push([at, end]);
      at = end;
    }
    return kept;
  }

  function jpeg(bytes, view) {
    let at = 2;
    while (bytes[at] === 0xff && bytes[at + 1] !== 0xda) at += 2 + view.getUint16(at + 2);
    return [[0, at + 2]];
  }

  function mp4(bytes, view) {
    const kept = [];
    for (let at = 0; at < bytes.length; ) {
      let size = view.getUint32(at);
      if (size === 1) size = Number(view.getBigUint64(at + 8));
      const end = size ? at + size : bytes.length;
      if (size !== 0 && size < 8) throw new RangeError("damaged");
      if (word(bytes, at + 4) !== "mdat") kept.push([at, end]);
      at = end;
    }
    return kept;
  }

  function partsOf(bytes, view) {
    if (view.getUint32(0) === 0x89504e47) return png(bytes, view);
    if (word(bytes, 0) === "GIF8") return gif(bytes);
    if (word(bytes, 0) === "RIFF") return webp(bytes, view);
    if (view.getUint16(0) === 0xffd8) return jpeg(bytes, view);
    if (word(bytes, 4) === "ftyp") return mp4(bytes, view);
    throw new RangeError("unknown format");
  }

  async function withoutPixels(file) {
    try {
      const buffer = await file.arrayBuffer();
      const parts = partsOf(new Uint8Array(buffer), new DataView(buffer));
      return new File(parts.map(([start, end]) => file.slice(start, end)), file.name, { type: file.type });
    } catch {
      return file; // damaged or unknown: the server will report it
    }
  }

  function hand(file, target) {
    const transfer = new DataTransfer();
    transfer.items.add(file);
    target.files = transfer.files;
    const event = new Event("change", { bubbles: true });
    event.isReady = true;
    target.dispatchEvent(event);
  }

  document.addEventListener("change", async (event) => {
    const [file] = event.target.files || [];
    if (event.isReady || !file || file.size <= SMALL || event.target !== input()) return;
    event.stopImmediatePropagation();
    hand(await withoutPixels(file), event.target);
  }, true);

  document.addEventListener("dragover", (event) => {
    if (event.dataTransfer.types.includes("Files")) event.preventDefault();
  });
  document.addEventListener("drop", async (event) => {
    const [file] = event.dataTransfer.files;
    if (!file || !input()) return;
    event.preventDefault();
    hand(file.size <= SMALL ? file : await withoutPixels(file), input());
  });
}
