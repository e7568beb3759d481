// SPDX-License-Identifier: MIT
// What luna wrote into the page: JSON, or that in gzip and base64.

export async function readData() {
  const element = document.getElementById('data')
  const text = element.textContent
  element.remove()
  if (element.type === 'application/json') return JSON.parse(text)
  const packed = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))
  const plain = new Blob([packed]).stream().pipeThrough(new DecompressionStream('gzip'))
  return JSON.parse(await new Response(plain).text())
}
