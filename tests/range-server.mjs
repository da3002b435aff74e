// A server of one file by ranges, which can be told to do less, to lie, to change its file and to cut connections.
import { createServer } from 'node:http';

/** `behaviour`: what `answer` below asks; it can be changed at any time. */
export class RangeServer {
  bytes;
  behaviour = {};
  /** Requests and bytes of bodies since the last `count()`. */
  #requests = [];
  #sent = 0;
  #server;

  constructor(bytes) {
    this.bytes = bytes;
  }

  async listen() {
    this.#server = createServer((request, response) => this.#answer(request, response));
    await new Promise((listening) => this.#server.listen(0, '127.0.0.1', listening));
    this.url = `http://127.0.0.1:${this.#server.address().port}/file.annw`;
    return this;
  }

  close() {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  /** What was asked and sent since the last call. */
  count() {
    const counted = { requests: this.#requests.length, ranges: this.#requests, sent: this.#sent };
    [this.#requests, this.#sent] = [[], 0];
    return counted;
  }

  #answer(request, response) {
    const { bytes, behaviour } = this;
    const { status, noRanges, forge, tag = '"one"', cut, delay = 0, headers = {} } = behaviour;
    const asked = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '');
    this.#requests.push(asked?.[0]);
    const send = (code, body, head) => {
      response.writeHead(code, {
        'content-length': body.length,
        ...(tag && { etag: tag }),
        ...headers,
        ...head,
      });
      if (cut?.(asked?.[0])) {
        response.write(body.subarray(0, body.length / 2), () => response.destroy());
        return;
      }
      this.#sent += body.length;
      response.end(body);
    };
    setTimeout(() => {
      if (status) return send(status, Buffer.from('no'), {});
      if (!asked || noRanges) return send(200, bytes, {});
      const [from, last] = [Number(asked[1]), Math.min(Number(asked[2]), bytes.length - 1)];
      if (from >= bytes.length)
        return send(416, Buffer.alloc(0), { 'content-range': `bytes */${bytes.length}` });
      const forged = forge?.({ from, last, length: bytes.length }) ?? {};
      const { range = `bytes ${from}-${last}/${bytes.length}`, body } = forged;
      return send(206, body ?? bytes.subarray(from, last + 1), range ? { 'content-range': range } : {});
    }, delay);
  }
}
