type Cookie = { readonly name: string; readonly value: string; readonly path: string }
export type Shown = {
  readonly url: string
  readonly status: number
  readonly text: string
  readonly headers: Headers
}

const hopsMax = 10

/**
 * A browser as far as sign-in needs one: cookies by path, redirects, forms. It stops at addresses that are not the
 * installation's, and gives back where it was sent.
 */
export function openBrowser(baseUrl: string) {
  const cookies = new Map<string, Cookie>()

  async function ask(url: string, init: RequestInit = {}): Promise<Shown> {
    let target = new URL(url, baseUrl)
    let sent = init
    for (let hop = 0; hop < hopsMax; hop++) {
      if (target.origin !== baseUrl) {
        return { url: target.href, status: 0, text: '', headers: new Headers() }
      }
      const headers = new Headers(sent.headers)
      headers.set('accept', 'text/html')
      headers.set('cookie', cookiesFor(target.pathname))
      const answer = await fetch(target, { ...sent, headers, redirect: 'manual' })
      for (const one of answer.headers.getSetCookie()) keep(one, target.pathname)
      const location = answer.headers.get('location')
      if (location === null) {
        const text = await answer.text()
        return { url: target.href, status: answer.status, text, headers: answer.headers }
      }
      target = new URL(location, target)
      sent = {}
    }
    throw new Error('too many redirects')
  }

  function keep(text: string, asked: string): void {
    const [pair = '', ...attributes] = text.split(/; */)
    const [name = '', value = ''] = pair.split(/=(.*)/)
    const path = attributes.find((one) => /^path=/i.test(one))?.slice(5) ?? asked
    const key = `${name} ${path}`
    if (value === '') cookies.delete(key)
    else cookies.set(key, { name, value, path })
  }

  function cookiesFor(path: string): string {
    const fitting = [...cookies.values()].filter(
      (one) => one.path === '/' || path === one.path || path.startsWith(`${one.path}/`),
    )
    return fitting.map(({ name, value }) => `${name}=${value}`).join('; ')
  }

  /** Sends the form of a page, its hidden fields and values among the fields, as a press of a button would. */
  function submit(shown: Shown, fields: Readonly<Record<string, string>>): Promise<Shown> {
    const action = /<form[^>]* action="([^"]+)"/.exec(shown.text)?.[1] ?? shown.url
    const hidden = [...shown.text.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)]
    const body = new URLSearchParams({
      ...Object.fromEntries(hidden.map(([, name = '', value = '']) => [name, value])),
      ...fields,
    })
    return ask(action.replaceAll('&amp;', '&'), { method: 'POST', body })
  }

  return { ask, submit, cookies }
}
