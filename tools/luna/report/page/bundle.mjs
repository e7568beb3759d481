// SPDX-License-Identifier: MIT
// Puts scripts, styles and licences into the page, so that it needs no other file.
//
// Usage: node bundle.mjs SOURCE OUTPUT, in a folder with what package-lock.json names
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'

const [source, output] = process.argv.slice(2)

const bundle = await build({
  entryPoints: [join(source, 'main.js')],
  nodePaths: ['node_modules'],
  outdir: 'out',
  bundle: true,
  write: false,
  minify: true,
  metafile: true,
  charset: 'utf8',
  format: 'iife',
  target: ['chrome100', 'firefox113', 'safari16.4'],
  legalComments: 'none',
  logLevel: 'error'
})

// What is in the bundle of others, each licence once.
function licences() {
  const packages = new Set()
  for (const path of Object.keys(bundle.metafile.inputs)) {
    const found = path.match(/node_modules\/((?:@[^/]+\/)?[^/]+)\//)
    if (found) packages.add(found[1])
  }
  const texts = new Map()
  for (const name of [...packages].sort()) {
    const folder = join('node_modules', name)
    const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry))
    const text = file ? readFileSync(join(folder, file), 'utf8').trim() : 'no licence text'
    const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    texts.set(text, [...(texts.get(text) ?? []), `${name} ${version}`])
  }
  return [...texts].map(([text, names]) => `${names.join(', ')}\n\n${text}`).join('\n\n\n')
}

function part(ending) {
  return bundle.outputFiles.find((file) => file.path.endsWith(ending)).text
}

const escapes = { '&': '&amp;', '<': '&lt;', '>': '&gt;' }
const parts = {
  style: `<style>${part('.css').trim()}</style>`,
  script: `<script>${part('.js').trim().replaceAll('</script', '<\\/script')}</script>`,
  licences: licences().replace(/[&<>]/g, (letter) => escapes[letter])
}
const page = readFileSync(join(source, 'page.html'), 'utf8').replace(
  /<!-- (style|script|licences) -->/g,
  (_, name) => parts[name]
)
writeFileSync(output, page)
