# SPDX-License-Identifier: MIT
"""node: worker threads, buffers that move between them, compression, child processes."""
import support

WORK = r"""
const { Worker, isMainThread, parentPort, workerData } = require('worker_threads');
const { createHash } = require('crypto');
const { execFileSync } = require('child_process');
const zlib = require('zlib');

const digest = (data) => createHash('sha256').update(data).digest('hex').slice(0, 16);

function documents(seed, count) {
  const list = [];
  for (let i = 0; i < count; i++) {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    list.push({ i, text: 'x'.repeat(seed % 400), map: new Array(seed % 9).fill(String(seed)) });
  }
  return list;
}

function work(seed) {
  const text = JSON.stringify(documents(seed, 3000));
  const packed = zlib.gzipSync(text, { level: 4 });
  const matches = text.match(/"(\d{6,})"/g) || [];
  const buffers = [];
  for (let i = 0; i < 2000; i++) buffers.push(Buffer.alloc(i * 7 % 9000, i % 256));
  const big = new Uint8Array(3_000_000).fill(seed % 256);
  return { seed, text: digest(text), back: digest(zlib.gunzipSync(packed)),
           matches: matches.length, joined: digest(Buffer.concat(buffers)), big };
}

if (!isMainThread) {
  const result = work(workerData);
  parentPort.postMessage(result, [result.big.buffer]);
} else {
  const run = (seed) => new Promise((resolve, reject) => {
    const worker = new Worker(__filename, { workerData: seed });
    let result;
    worker.on('message', (message) => { result = message; });
    worker.on('error', reject);
    worker.on('exit', () => resolve(result));
  });
  (async () => {
    for (let round = 0; round < 3; round++) {
      const results = await Promise.all([1, 2, 3, 4].map((n) => run(round * 10 + n)));
      for (const r of results) console.log(r.seed, r.text, r.back, r.matches, r.joined, digest(r.big));
    }
    const slow = await Promise.all([1, 2, 3, 4, 5, 6].map((n) => new Promise((resolve, reject) =>
      zlib.brotliCompress(JSON.stringify(documents(n, 500)),
        { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 5 } },
        (error, data) => error ? reject(error) : resolve(digest(data))))));
    console.log(slow.join(' '));
    console.log(String(execFileSync(process.execPath, ['-p', '[..."allocator"].sort().join("")'])));
    console.log(new Intl.DateTimeFormat('en', { timeZone: 'UTC' }).format(new Date(0)));
  })();
}
"""


def scenario(stage):
    stage.write("work.js", WORK)
    stage.check_maps_printed_by(
        ["node", "-e", "console.log(require('fs').readFileSync('/proc/self/maps', 'utf8'))"])

    return {"output": stage.command(["node", "work.js"])}


if __name__ == "__main__":
    support.main(scenario, {"node": "nodejs"})
