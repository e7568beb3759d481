// SPDX-License-Identifier: MIT
// Call stacks below a row of a table.
import { make } from './dom.js'

function frameItem([name, file, line, module, isInlined]) {
  const place = file ? ` at ${file}${line ? `:${line}` : ''}` : module && !name.startsWith(module) ? ` in ${module}` : ''
  return make('li', {}, make('span', { class: line && !file.startsWith('/usr/') ? 'own' : null }, name),
    make('small', {}, place, isInlined ? ' (inlined)' : ''))
}

export function stackList(report, places) {
  if (!places.length) return make('p', { class: 'soft' }, 'No stack is known.')
  return make('ol', { class: 'stack', 'aria-label': 'Call stack, innermost first' },
    places.map((place) => frameItem(report.frames[place])))
}

// A button with the name of who is to be asked, which shows what `more` makes below it.
export function openable(text, more) {
  const hidden = make('div', { hidden: true })
  const button = make('button', {
    type: 'button', class: 'open', 'aria-expanded': 'false',
    onclick: () => {
      if (!hidden.firstChild) hidden.append(...[more()].flat())
      hidden.hidden = !hidden.hidden
      button.setAttribute('aria-expanded', String(!hidden.hidden))
    }
  }, text)
  return [button, hidden]
}

export function labelBadges(labels) {
  return labels.map(([key, value]) => [' ', make('span', { class: 'badge' }, `${key}=${value}`)])
}
