// SPDX-License-Identifier: MIT
// Makes elements. Names of functions may be anything, so text only ever becomes text.

// Attributes whose names begin with "on" are listeners; false and null leave one out.
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value)
    else if (name === 'style') Object.assign(element.style, value)
    else element.setAttribute(name, value === true ? '' : value)
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined))
  return element
}

export function card(title, ...children) {
  return make('section', { class: 'card' }, title ? make('h2', {}, title) : null, children)
}

// A part that the report does not hold: why, and the command that would give it.
export function missing(why, command) {
  return make('p', { class: 'missing' }, why, command ? [' ', make('code', {}, command)] : null)
}

const shortTitles = { inuse: 'In use', alloc: 'Allocated', peak: 'Peak', growth: 'Growth', lifetime: 'Lifetime', temporary: 'Temporary' }

// The types of values of a profile, for choice(), by their places.
export function typeOptions(types) {
  return types.map(({ name, title }, i) => ({ name: String(i), title: shortTitles[name] ?? title, hint: title }))
}

// Buttons of which one is chosen; arrow keys move between them.
export function choice(label, options, chosen, choose) {
  const buttons = options.map(({ name, title, hint }) =>
    make('button', { type: 'button', role: 'radio', 'data-name': name, title: hint, onclick: () => set(name, true) }, title)
  )
  const group = make('span', { class: 'choice', role: 'radiogroup', 'aria-label': label }, buttons)
  function set(name, tell) {
    options.forEach((option, i) => {
      buttons[i].setAttribute('aria-checked', String(option.name === name))
      buttons[i].tabIndex = option.name === name ? 0 : -1
    })
    if (tell) choose(name)
  }
  group.addEventListener('keydown', (event) => moveFocus(event, buttons))
  set(chosen, false)
  return group
}

// Arrows, Home and End go from one to another, and press it.
export function moveFocus(event, buttons) {
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key]
  const now = buttons.indexOf(document.activeElement)
  if (now < 0) return
  let next = null
  if (step) next = (now + step + buttons.length) % buttons.length
  if (event.key === 'Home') next = 0
  if (event.key === 'End') next = buttons.length - 1
  if (next === null) return
  event.preventDefault()
  buttons[next].focus()
  buttons[next].click()
}
