import { createHash } from 'node:crypto'

/** Text that may stand in an element or a quoted attribute. */
export type Html = { readonly html: string }

/** A template whose values are escaped, but for what is `Html` already. */
export function html(
  texts: TemplateStringsArray,
  ...values: readonly (string | Html | readonly Html[] | undefined)[]
): Html {
  const filled = texts.map((text, at) => text + shown(values[at]))
  return { html: filled.join('') }
}

function shown(value: string | Html | readonly Html[] | undefined): string {
  if (value === undefined) return ''
  if (typeof value === 'string') return escaped(value)
  return 'html' in value ? value.html : value.map((one) => one.html).join('')
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (one) => entities[one] ?? '')
}

const style = `
:root { color-scheme: light dark; --ink: #1b2430; --soft: #5b6776; --paper: #fff; --ground: #eef1f5; --line: #7d8896; --accent: #0b57d0; --on-accent: #fff; --bad: #a8201a; --bad-ground: #fdecea }
@media (prefers-color-scheme: dark) { :root { --ink: #e8ecf1; --soft: #a9b4c1; --paper: #1a212b; --ground: #10151c; --line: #7d8896; --accent: #8ab4f8; --on-accent: #0b1a33; --bad: #ffb4ab; --bad-ground: #3b1512 } }
* { box-sizing: border-box }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1.5rem 1rem; background: var(--ground); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif }
main { width: 100%; max-width: 26rem; background: var(--paper); border-radius: .75rem; padding: 2rem; box-shadow: 0 1px 3px rgb(0 0 0 / .2) }
.brand { margin: 0 0 1.25rem; font-weight: 600; color: var(--soft) }
h1 { margin: 0 0 .5rem; font-size: 1.5rem; line-height: 1.25 }
h2 { margin: 1.75rem 0 0; font-size: 1.125rem; line-height: 1.25 }
p { margin: 0 0 1rem; overflow-wrap: anywhere }
.soft { color: var(--soft) }
label { display: block; margin: 1rem 0 .25rem; font-weight: 600 }
input { width: 100%; padding: .625rem .75rem; font: inherit; color: inherit; background: transparent; border: 1px solid var(--line); border-radius: .375rem }
.code { font: 600 1.375rem/1.4 ui-monospace, monospace; letter-spacing: .12em; text-transform: uppercase }
.shown { display: block; text-align: center; padding: .75rem; margin: 0 0 1rem; background: var(--ground); border-radius: .375rem }
button { width: 100%; margin-top: 1.25rem; padding: .6875rem 1rem; font: 600 1rem/1.5 system-ui, sans-serif; color: var(--on-accent); background: var(--accent); border: 1px solid var(--accent); border-radius: .375rem; cursor: pointer }
button.plain { margin-top: .625rem; color: var(--accent); background: transparent }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px }
.bad { margin: 1rem 0 0; padding: .75rem; color: var(--bad); background: var(--bad-ground); border-radius: .375rem }
a { color: var(--accent) }
pre { margin: 0 0 1rem; padding: .625rem .75rem; background: var(--ground); border-radius: .375rem; font: .875rem/1.5 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere }
.foot { margin: 1.5rem 0 0; font-size: .875rem; color: var(--soft) }
`
const styleHash = createHash('sha256').update(style).digest('base64')

/** A whole page. It runs no script and loads nothing. */
export function page(title: string, body: Html): string {
  const shell = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${title} – Vitrine</title>
<style>${{ html: style }}</style>
</head>
<body>
<main>
<p class="brand">Vitrine</p>
${body}
</main>
</body>
</html>
`
  return shell.html
}

/** What goes with every page; forms may lead here and, where a code is to be handed back, to `returnsTo`. */
export function pageHeaders(returnsTo?: string): Readonly<Record<string, string>> {
  const forms = returnsTo === undefined ? "'self'" : `'self' ${returnsTo}`
  return {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': `default-src 'none'; style-src 'sha256-${styleHash}'; form-action ${forms}; base-uri 'none'; frame-ancestors 'none'`,
    'x-frame-options': 'DENY',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'same-origin',
    'cache-control': 'no-store',
  }
}
