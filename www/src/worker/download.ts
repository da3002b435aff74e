// Downloads several files at once and tells how many bytes have arrived in all.

export class Download {
  #onProgress: (loadedBytes: number, totalBytes: number) => void;
  #loaded = 0;
  #total = 0;

  constructor(onProgress: (loadedBytes: number, totalBytes: number) => void) {
    this.#onProgress = onProgress;
  }

  async bytes(url: string): Promise<Uint8Array<ArrayBuffer>> {
    const response = await fetch(url);
    if (!response.ok || !response.body) {
      throw new Error(
        `${new URL(url, location.href).pathname} could not be downloaded (status ${response.status})`,
      );
    }
    // A compressed answer states its compressed length, or none; what has arrived then corrects the total below.
    let stated = Number(response.headers.get('content-length') ?? 0);
    this.#total += stated;
    const parts: Uint8Array[] = [];
    let length = 0;
    const reader = response.body.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      parts.push(value);
      length += value.length;
      this.#loaded += value.length;
      if (length > stated) {
        this.#total += length - stated;
        stated = length;
      }
      this.#onProgress(this.#loaded, this.#total);
    }
    return joined(parts, length);
  }
}

function joined(parts: readonly Uint8Array[], length: number): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
